//! Requests as functions see them, and responses as clients see them.

mod common;

use common::{App, HTTP};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn a_request_reaches_the_function_whole() {
    let bindings = r#"[{"type": "httpTrigger", "name": "req", "route": "items/{kind}/{id?}"}, {"type": "http", "direction": "out", "name": "$return"}]"#;
    let code = r"
import json
import azure.functions as func

def main(req: func.HttpRequest) -> func.HttpResponse:
    seen = {'method': req.method, 'url': req.url, 'headers': dict(req.headers), 'params': dict(req.params),
            'route': dict(req.route_params), 'body': req.get_body().hex()}
    return func.HttpResponse(json.dumps(seen), mimetype='application/json')
";
    let host = App::new().function("f", bindings, code).start();
    let path = "/api/items/Grün%20x/7?code=k&a=1&a=2&b=%26";
    let answer = host.request("POST", &path.replace('ü', "%C3%BC"), &[("X-Thing", "Value"), ("Cookie", "a=1; b=2")], b"\x00\xff");
    assert_eq!(answer.status, 200);
    let seen = answer.json();
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["url"], host.url("/api/items/Gr%C3%BCn%20x/7?code=k&a=1&a=2&b=%26"));
    assert_eq!(seen["params"], json!({"code": "k", "a": "1,2", "b": "&"}));
    assert_eq!(seen["route"], json!({"kind": "Grün x", "id": "7"}));
    assert_eq!(seen["body"], "00ff");
    assert_eq!((&seen["headers"]["x-thing"], &seen["headers"]["cookie"]), (&json!("Value"), &json!("a=1; b=2")));
}

#[test]
fn what_a_function_returns_is_the_response() {
    let code = r"
import azure.functions as func

class Odd(str):
    pass

CASES = {
    'text': lambda: 'hällo',
    'subclass': lambda: Odd('odd'),
    'response': lambda: func.HttpResponse('body'),
    'json': lambda: func.HttpResponse('{}', status_code=201, mimetype='application/json', headers={'X-A': '1'}),
    'html': lambda: func.HttpResponse('<p>', mimetype='text/html'),
    'latin': lambda: func.HttpResponse('é', charset='latin-1'),
    'binary': lambda: func.HttpResponse(b'\x00\xff', mimetype='application/octet-stream'),
    'empty': lambda: func.HttpResponse(status_code=204),
    'redirect': lambda: func.HttpResponse(status_code=302, headers={'Location': '/there'}),
    'split': lambda: func.HttpResponse('x', headers={'X-A': '1\r\nX-B: 2'}),
    'none': lambda: None,
    'bytes': lambda: b'x',
    'number': lambda: 1,
    'status': lambda: func.HttpResponse('x', status_code=42),
}

def main(req: func.HttpRequest):
    return CASES[req.params['case']]()
";
    let host = App::with(code).start();
    let get = |case: &str| host.get(&format!("/api/f?case={case}"));
    for (case, status, content_type, body) in [
        ("text", 200, "text/plain; charset=utf-8", "hällo".as_bytes()),
        ("subclass", 200, "text/plain; charset=utf-8", b"odd"),
        ("response", 200, "text/plain; charset=utf-8", b"body"),
        ("json", 201, "application/json", b"{}"),
        ("html", 200, "text/html; charset=utf-8", b"<p>"),
        ("latin", 200, "text/plain; charset=latin-1", b"\xe9"),
        ("binary", 200, "application/octet-stream", b"\x00\xff"),
    ] {
        let answer = get(case);
        assert_eq!((answer.status, answer.header("content-type"), answer.body.as_slice()), (status, Some(content_type), body), "{case}");
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{case}");
    }
    assert_eq!(get("json").header("x-a"), Some("1"));
    assert_eq!((get("empty").status, get("empty").body.len()), (204, 0));
    assert_eq!((get("redirect").status, get("redirect").header("location")), (302, Some("/there")));
    for wrong in ["split", "none", "bytes", "number", "status"] {
        let answer = get(wrong);
        assert_eq!((answer.status, answer.text(), answer.header("x-b")), (500, "", None), "{wrong}");
    }
    host.wait_for_line("unable to encode outgoing TypedData");
    host.wait_for_line("X-A");
}

#[test]
fn head_has_the_length_that_get_would_have() {
    let code = "import azure.functions as func\ndef main(req):\n    return eval(req.params['x'])\n";
    let host = App::with(code).start();
    let mut stream = TcpStream::connect(("127.0.0.1", host.port)).unwrap();
    let mut ask = |code: &str, path: &str| {
        let code: String = code.bytes().map(|byte| format!("%{byte:02x}")).collect();
        write!(stream, "HEAD {path}?x={code} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        // A body would be taken for the beginning of the next answer.
        assert!(head.starts_with("http/1.1 "), "{head}");
        let lengths: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("content-length: ")).map(str::to_owned).collect();
        lengths.join(" and ")
    };
    for (code, length) in [
        ("'hällo'", "6"),
        ("func.HttpResponse('four')", "4"),
        ("func.HttpResponse(headers={'Content-Length': '123456789012'})", "123456789012"),
        ("func.HttpResponse('four', headers={'Content-Length': '7'})", "7"),
        ("func.HttpResponse('four', headers={'Content-Length': '7, 8'})", "4"),
        ("func.HttpResponse('four', headers={'Content-Length': '-7', 'Transfer-Encoding': 'chunked'})", "4"),
        ("func.HttpResponse(status_code=304, headers={'Content-Length': '7'})", "7"),
        ("func.HttpResponse(status_code=304)", ""),
        ("func.HttpResponse(status_code=204, headers={'Content-Length': '7'})", ""),
        ("1 / 0", "0"),
    ] {
        assert_eq!(ask(code, "/api/f"), length, "{code}");
    }
    assert_eq!(ask("", "/"), host.get("/").body.len().to_string());
    assert_eq!(ask("", "/api/none"), "0");
    assert_eq!(host.get("/api/f?x='four'").header("content-length"), Some("4"));
}

#[test]
fn cookies_are_written_as_the_functions_host_writes_them() {
    let code = r"
import azure.functions as func

def main(req):
    resp = func.HttpResponse('x')
    cookie = {'date': 'foo=bar; expires=Dummy', 'empty': '', 'age': 'foo3=42; Domain=example.com; Max-Age=Dummy; Secure; HttpOnly',
              'flags': 'foo3=42; Max-Age=10; Secure=Dummy; HttpOnly=Dummy'}.get(req.params.get('case'))
    if cookie is not None:
        resp.headers.add('Set-Cookie', cookie)
        return resp
    resp.headers.add('Set-Cookie', 'foo3=42; Domain=example.com; Expires=Thu, 12-Jan-2017 13:55:08 GMT; Path=/; Max-Age=10000000; Secure; HttpOnly')
    resp.headers.add('Set-Cookie', 'foo=bar')
    return resp
";
    let host = App::with(code).start();
    let expected = [
        "foo3=42; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=10000000; domain=example.com; path=/; secure; httponly",
        "foo=bar; domain=; path=",
    ];
    assert_eq!(host.get("/api/f").all("set-cookie"), expected);
    for case in ["empty", "age", "flags"] {
        let answer = host.get(&format!("/api/f?case={case}"));
        assert_eq!((answer.status, answer.all("set-cookie").len()), (200, 0), "{case}");
    }
    let mark = host.mark();
    assert_eq!(host.get("/api/f?case=date").status, 500);
    let sentence = "Can not parse value Dummy of expires in the cookie due to invalid format.";
    let lines = host.lines_until(mark, &format!("Exception: ValueError: {sentence}"));
    assert!(lines.iter().any(|line| line == sentence), "{lines:?}");
}

#[test]
fn outputs_other_than_return_are_the_response_too() {
    let parameter = r#"[{"type": "httpTrigger", "name": "req"}, {"type": "http", "direction": "out", "name": "res"}]"#;
    let trigger_only = r#"[{"type": "httpTrigger", "name": "req"}]"#;
    let app = App::new()
        .function("response", parameter, "import azure.functions as func\ndef main(req, res: func.Out[func.HttpResponse]):\n    res.set(func.HttpResponse('set', status_code=202))\n")
        .function("text", parameter, "import azure.functions as func\ndef main(req, res: func.Out[func.HttpResponse]):\n    res.set('text')\n")
        .function("unset", parameter, "import azure.functions as func\ndef main(req, res: func.Out[func.HttpResponse]):\n    pass\n")
        .function("nothing", trigger_only, "def main(req):\n    pass\n")
        .function("value", trigger_only, "def main(req):\n    return 'x'\n");
    let host = app.start();
    let get = |name: &str| {
        let answer = host.get(&format!("/api/{name}"));
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(get("response"), (202, "set".into()));
    assert_eq!(get("text"), (200, "text".into()));
    assert_eq!(get("unset"), (204, String::new()));
    assert_eq!(get("nothing"), (204, String::new()));
    assert_eq!(get("value"), (500, String::new()));
    host.wait_for_line("function 'value' without a $return binding returned a non-None value");
}

const ECHO: &str = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse(req.get_body())\n";
const LENGTH: &str = "def main(req):\n    return str(len(req.get_body()))\n";

#[test]
fn large_bodies_go_both_ways_unchanged() {
    let host = App::with(ECHO).start();
    let body: Vec<u8> = (0..27_u32 << 20).map(|number| (number ^ number >> 8) as u8).collect();
    let answer = host.post("/api/f", &body);
    assert_eq!(answer.status, 200);
    assert!(answer.body == body, "the body came back changed");
}

#[test]
fn a_body_at_the_limit_is_taken_and_one_beyond_is_refused() {
    const LIMIT: usize = 104_857_600;
    let host = App::with(LENGTH).start();
    let mut body = vec![b'x'; LIMIT];
    let answer = host.post("/api/f", &body);
    assert_eq!((answer.status, answer.text()), (200, "104857600"));
    body.push(b'x');
    // The host answers before the body has come: a client may see the answer or a connection that is closed.
    if let Ok(answer) = host.try_request("POST", "/api/f", &[], &body) {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(host.post("/api/f", "abc").text(), "3");
}

#[test]
fn the_limit_of_bodies_can_be_set_and_holds_for_chunks_too() {
    let host = App::with(LENGTH).start_with(&[], &[("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1000")]);
    assert_eq!(host.post("/api/f", vec![0; 1000]).text(), "1000");
    assert_eq!(host.post("/api/f", vec![0; 1001]).status, 413);
    let chunked = |sizes: &[usize]| {
        let mut stream = TcpStream::connect(("127.0.0.1", host.port)).unwrap();
        let mut request = String::from("POST /api/f HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        for size in sizes {
            request += &format!("{size:x}\r\n{}\r\n", "x".repeat(*size));
        }
        // In one piece: a host that refuses a body closes the connection, and may do so before the next piece is written.
        stream.write_all((request + "0\r\n\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A host that refuses a body does not wait for its end: the connection may be reset behind the answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    assert!(chunked(&[600, 400]).ends_with("\r\n\r\n1000"));
    assert!(chunked(&[600, 401]).starts_with("HTTP/1.1 413"));
}

#[test]
fn get_json_says_what_is_no_json() {
    let code = "import json\ndef main(req):\n    try:\n        return json.dumps(req.get_json())\n    except ValueError as error:\n        return f'refused: {error}'\n";
    let host = App::with(code).start();
    assert_eq!(host.post("/api/f", r#"{"a": [1]}"#).text(), r#"{"a": [1]}"#);
    assert!(host.post("/api/f", "nonsense").text().starts_with("refused: "));
    assert!(host.post("/api/f", b"\xff\xfe").text().starts_with("refused: "));
}

#[test]
fn what_is_no_http_is_refused_and_the_host_goes_on() {
    let host = App::with("def main(req):\n    return 'ok'\n").start();
    for garbage in [
        "\r\n\r\n\0\0\0",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/f HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", host.port)).unwrap();
        stream.write_all(garbage.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{garbage:?}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn custom_headers_are_on_every_response() {
    let app = App::new().function(
        "f",
        HTTP,
        "import azure.functions as func\ndef main(req):\n    return func.HttpResponse('x', headers={'X-Own': 'function'})\n",
    );
    let host =
        app.host_json(r#""extensions": {"http": {"customHeaders": {"X-Content-Type-Options": "nosniff", "X-Own": "host"}}}"#).start();
    let answer = host.get("/api/f");
    assert_eq!((answer.header("x-content-type-options"), answer.all("x-own")), (Some("nosniff"), vec!["function"]));
    assert_eq!(host.get("/missing").header("x-content-type-options"), Some("nosniff"));
}
