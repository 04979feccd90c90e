//! Connections out of functions: where host.json and the flags allow them, and nowhere else.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, HTTP, Host, free_port, snapfunc};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

const ECHO: &str = "import azure.functions as func\ndef main(req):\n    to = req.params.get('to')\n    return func.HttpResponse(status_code=302, \
                    headers={'Location': to}) if to else f'{req.method} {req.get_body().decode()}'\n";

fn allowing(destinations: &[String]) -> App {
    App::with(EVAL).host_json(&format!(r#""snapfunc": {{"outbound": {}}}"#, serde_json::to_string(destinations).unwrap()))
}

fn server() -> Host {
    App::new().function("f", HTTP, ECHO).start()
}

/// A server with TLS for `localhost`, and the file that says whom to trust.
fn secure_server(certificates: &Path) -> Host {
    secure_server_as(certificates, IsCa::NoCa)
}

/// The same with a certificate that is one of an authority, as `openssl req -x509` makes them, or not.
fn secure_server_as(certificates: &Path, is_ca: IsCa) -> Host {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = is_ca;
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    std::fs::write(certificates.join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    std::fs::write(certificates.join("ca.pem"), cert.pem()).unwrap();
    let both = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(both.path(), cert.pem() + &signing_key.serialize_pem()).unwrap();
    let app = App::new().function("f", HTTP, ECHO);
    let port = free_port();
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["start", "--use-https", "--cert"]).arg(both.path()).args(["--port", &port.to_string()]).current_dir(app.path());
    let host = Host::spawn_only(command, port);
    host.wait_for_line("(Ctrl-C stops it)");
    host
}

#[test]
fn a_listed_server_answers_and_no_other_does() {
    let (server, other) = (server(), server());
    let host = allowing(&[format!("http://127.0.0.1:{}", server.port), format!("http://localhost:{}", server.port)]).start();
    let get = |host: &Host, url: &str| {
        host.eval(&format!("import urllib.request\nresult = urllib.request.urlopen('{url}', b'body').read().decode()"))
    };
    assert_eq!(get(&host, &server.url("/api/f")), "POST body");
    assert_eq!(get(&host, &server.url("/api/f").replace("127.0.0.1", "localhost")), "POST body");
    let refused = |url: &str| {
        host.eval(&format!(
            "import urllib.request\ntry:\n    urllib.request.urlopen('{url}')\nexcept OSError as error: result = repr(error)"
        ))
    };
    let mark = host.mark();
    assert!(refused(&other.url("/api/f")).as_str().unwrap().contains("PermissionError"));
    let line = format!("[f] snapfunc: no connection to 127.0.0.1:{}, which is not a public address", other.port);
    host.lines_until(mark, &line);
    let unknown = refused("http://example.com/");
    assert!(unknown.as_str().unwrap().contains("PermissionError"), "{unknown}");
    host.lines_until(mark, "snapfunc: example.com is not looked up: see snapfunc.outbound in host.json");
    // A redirect is a connection like any other.
    let away = format!("{}?to={}", server.url("/api/f"), other.url("/api/f"));
    assert!(refused(&away).as_str().unwrap().contains("PermissionError"));
    let here = format!("{}?to={}", server.url("/api/f"), server.url("/api/f"));
    assert_eq!(host.eval(&format!("import urllib.request\nresult = urllib.request.urlopen('{here}').read().decode()")), "GET ");
}

#[test]
fn without_a_list_the_console_says_how_to_have_one() {
    let host = App::with(EVAL).start();
    assert_eq!(host.eval("import socket, uuid; uuid.uuid1(); result = socket.getfqdn() == socket.gethostname()"), true);
    assert!(!host.printed().contains("looked up"), "{}", host.printed());
    let mark = host.mark();
    let refused = host.eval(
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://example.com/')\nexcept OSError as error: result = repr(error)",
    );
    assert!(refused.as_str().unwrap().contains("PermissionError"), "{refused}");
    let line =
        "snapfunc: example.com is not looked up: functions connect only to what snapfunc.outbound in host.json or --allow-outbound names";
    host.lines_until(mark, line);
}

/// Whichever way a function goes, it is told once.
#[test]
fn without_a_list_addresses_are_told_too() {
    let host = App::with(EVAL).start();
    let why = "functions connect only to what snapfunc.outbound in host.json or --allow-outbound names";
    for (connect, told) in [
        ("urllib.request.urlopen('http://10.0.0.1/')", format!("[f] snapfunc: no connection to 10.0.0.1: {why}")),
        ("socket.create_connection(('::1', 80))", format!("[f] snapfunc: no connection to ::1: {why}")),
        ("socket.socket().connect(('10.0.0.2', 80))", format!("[f] snapfunc: no connection: {why}")),
        ("asyncio.run(asyncio.open_connection('10.0.0.3', 80))", format!("[f] snapfunc: no connection: {why}")),
    ] {
        let mark = host.mark();
        let code = format!(
            "import asyncio, socket, urllib.request\ntry:\n    {connect}\nexcept OSError as error: result = repr(error)\nprint('refused')"
        );
        let refused = host.eval(&code);
        assert!(refused.as_str().unwrap().contains("PermissionError"), "{connect}: {refused}");
        assert_eq!(host.lines_until(mark, "refused"), [told.as_str(), "refused"], "{connect}");
    }
    // As libraries do at their import.
    let mark = host.mark();
    host.eval("import socket\ntry:\n    socket.socket(socket.AF_INET6)\nexcept OSError: print('refused')");
    assert_eq!(host.lines_until(mark, "refused"), ["refused"]);
}

#[test]
fn tls_is_done_and_certificates_are_checked() {
    let app = allowing(&["localhost:*".into()]);
    let server = secure_server(app.path());
    let host = app.start();
    let code = |context: &str, name: &str| {
        format!(
            "import http.client, ssl\ncontext = {context}\nconnection = http.client.HTTPSConnection('{name}', {}, context=context, timeout=10)\n\
             try:\n    connection.request('POST', '/api/f', b'x' * 300_000)\n    answer = connection.getresponse()\n    body = answer.read()\n    \
             result = [answer.status, len(body), connection.sock.version() if connection.sock else None]\n\
             except ssl.SSLError as error: result = [type(error).__name__, error.reason, isinstance(error, OSError)]",
            server.port
        )
    };
    let trusting = "ssl.create_default_context(cafile='/home/site/wwwroot/ca.pem')";
    assert_eq!(host.eval(&code(trusting, "localhost")), serde_json::json!([200, 300_005, "TLSv1.3"]));
    let refused = serde_json::json!(["SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", true]);
    assert_eq!(host.eval(&code("ssl.create_default_context()", "localhost")), refused, "nobody vouches for it");
    assert_eq!(host.eval(&code(trusting, "127.0.0.1")), refused, "it is another's");
    assert_eq!(host.eval(&code("ssl._create_unverified_context()", "127.0.0.1"))[0], 200);
    let old = format!("{trusting}\ncontext.maximum_version = ssl.TLSVersion.TLSv1_2");
    assert_eq!(host.eval(&code(&old, "localhost")), serde_json::json!([200, 300_005, "TLSv1.2"]));
    let asynchronous = format!(
        "import asyncio, ssl\nasync def main():\n    context = {trusting}\n    \
         reader, writer = await asyncio.open_connection('localhost', {}, ssl=context)\n    \
         writer.write(b'GET /api/f HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n    \
         answer = await reader.read()\n    writer.close()\n    return answer.decode().split('\\r\\n')[0]\nresult = asyncio.run(main())",
        server.port
    );
    assert_eq!(host.eval(&asynchronous), "HTTP/1.1 200 OK");
}

#[test]
fn contexts_are_as_strict_and_as_lenient_as_openssl_s() {
    let app = allowing(&["localhost:*".into()]);
    let server = secure_server_as(app.path(), IsCa::Ca(BasicConstraints::Unconstrained));
    let host = app.start();
    let tell = |context: &str| {
        host.eval(&format!(
            "import socket, ssl, warnings\nwarnings.simplefilter('ignore')\nca = '/home/site/wwwroot/ca.pem'\n{context}\n\
             try:\n    with socket.create_connection(('localhost', {})) as plain, context.wrap_socket(plain, server_hostname='localhost') as secure:\n        \
             secure.sendall(b'GET /api/f HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n        \
             told = secure.getpeercert()\n        \
             result = [secure.recv(15).decode(), secure.version(), told.get('subjectAltName'), len(told.get('notAfter', ''))]\n\
             except ssl.SSLCertVerificationError as error: result = [error.verify_code, error.verify_message]",
            server.port
        ))
    };
    let good = serde_json::json!(["HTTP/1.1 200 OK", "TLSv1.3", [["DNS", "localhost"]], 24]);
    assert_eq!(tell("context = ssl.create_default_context(cafile=ca)"), good, "the server's own certificate may be named as trusted");
    let unchecked = "context = ssl.create_default_context()\ncontext.check_hostname = False\ncontext.verify_mode = ssl.CERT_NONE";
    assert_eq!(tell(unchecked), serde_json::json!(["HTTP/1.1 200 OK", "TLSv1.3", null, 0]), "what nobody checked is not told");
    let nobody = serde_json::json!([20, "unable to get local issuer certificate"]);
    assert_eq!(tell("context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)"), nobody, "who names nobody trusts nobody");
    let without_lists = "context = ssl.create_default_context(cafile=ca)\ncontext.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF";
    assert_eq!(tell(without_lists), serde_json::json!([3, "unable to get certificate CRL"]));
    let old = "context = ssl.SSLContext(ssl.PROTOCOL_TLSv1_2)\ncontext.load_verify_locations(ca)\ncontext.verify_mode = ssl.CERT_REQUIRED";
    assert_eq!(tell(old)[1], "TLSv1.2");
    let early = "import ssl\ntry:\n    ssl.create_default_context().load_cert_chain('/home/site/wwwroot/ca.pem', '/home/site/wwwroot/key.pem')\n\
                 except ssl.SSLError as error: result = str(error)";
    assert_eq!(host.eval(early), "[SSL] keys may not be consistent: KeyMismatch");
}

#[test]
fn http_clients_of_apps_work_unchanged() {
    let app = allowing(&["localhost:*".into(), "127.0.0.1:*".into()]).file("requirements.txt", "requests==2.32.5\nhttpx==0.28.1\n");
    let (plain, secure) = (server(), secure_server(app.path()));
    let host = app.start();
    let [http, https] = [format!("http://localhost:{}/api/f", plain.port), format!("https://localhost:{}/api/f", secure.port)];
    let with_requests = format!(
        "import requests\nca = '/home/site/wwwroot/ca.pem'\nresult = [requests.post('{http}', data='a').text, requests.post('{https}', data='b', verify=ca).text]\n\
         try:\n    requests.get('{https}')\nexcept requests.exceptions.SSLError: result.append('refused')"
    );
    assert_eq!(host.eval(&with_requests), serde_json::json!(["POST a", "POST b", "refused"]));
    let with_httpx = format!(
        "import asyncio, httpx, ssl\ncontext = ssl.create_default_context(cafile='/home/site/wwwroot/ca.pem')\n\
         result = [httpx.post('{http}', content='a').text, httpx.post('{https}', content='b', verify=context).text]\n\
         async def main():\n    async with httpx.AsyncClient(verify=context) as client:\n        \
         answers = await asyncio.gather(*(client.post('{https}', content=str(n)) for n in range(3)))\n        return [answer.text for answer in answers]\n\
         result += asyncio.run(main())"
    );
    assert_eq!(host.eval(&with_httpx), serde_json::json!(["POST a", "POST b", "POST 0", "POST 1", "POST 2"]));
}

#[test]
fn any_protocol_goes_over_tcp_and_waits_no_longer_than_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = [0; 5];
            if stream.read_exact(&mut line).is_ok() && &line == b"hello" {
                let _ = stream.write_all(&vec![b'x'; 1 << 20]);
            } else {
                thread::sleep(std::time::Duration::from_secs(60));
            }
        }
    });
    let host = allowing(&[format!("tcp://127.0.0.1:{port}")]).start();
    let talk = |send: &str| {
        format!(
            "import socket\nwith socket.create_connection(('127.0.0.1', {port}), timeout=0.5) as connection:\n    connection.sendall(b'{send}')\n    \
             total = 0\n    while data := connection.recv(65536): total += len(data)\nresult = total"
        )
    };
    assert_eq!(host.eval(&talk("hello")), 1 << 20);
    assert_eq!(host.post("/api/f", talk("other")).status, 500);
    host.wait_for_line("Exception: TimeoutError: timed out");
    // Nobody connects to a function but by its triggers.
    for serving in ["socket.create_server(('127.0.0.1', 0))", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 0))"] {
        assert_eq!(host.post("/api/f", format!("import socket\n{serving}")).status, 500, "{serving}");
    }
}

#[test]
fn flags_add_to_the_list_or_take_its_place() {
    let (first, second) = (server(), server());
    let [first, second] = [&first, &second].map(|server| (format!("http://127.0.0.1:{}", server.port), server.url("/api/f")));
    let app = allowing(std::slice::from_ref(&first.0));
    let reaches = |host: &Host| {
        [&first.1, &second.1]
            .map(|url| host.post("/api/f", format!("import urllib.request; urllib.request.urlopen('{url}').read()")).status == 200)
    };
    assert_eq!(reaches(&app.start()), [true, false]);
    assert_eq!(reaches(&app.start_with(&["--allow-outbound", &second.0], &[])), [true, true]);
    assert_eq!(reaches(&app.start_with(&["--no-outbound"], &[])), [false, false]);
    assert_eq!(reaches(&app.start_with(&["--no-outbound", "--allow-outbound", &second.0], &[])), [false, true]);
    let wrong = app.run_to_end(&["--allow-outbound", "example.com"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("the port is missing"), "{wrong:?}");
    let wrong = allowing(&["https://example.com/path".into()]).run_to_end(&[]);
    let printed = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        printed.contains("`snapfunc.outbound[0]` must hold destinations") && printed.contains("a destination has no path"),
        "{printed}"
    );
}
