//! From outside: what a client may cost, and what it can't smuggle.

use super::common::{App, EVAL, HTTP, Host};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const IMPATIENT: &str = r#""snapfunc": {"http": {"headerTimeout": "00:00:01", "stallTimeout": "00:00:01"}}"#;
const BODY_LENGTH: &str = "def main(req):\n    return str(len(req.get_body()))\n";

struct Client(TcpStream);

impl Client {
    fn connect(host: &Host) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", host.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(stream)
    }

    fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        // The host may have answered and closed before it has read all of this.
        let _ = self.0.write_all(bytes.as_ref());
        self
    }

    /// All that comes until the host closes the connection.
    fn until_closed(mut self) -> String {
        let mut answer = Vec::new();
        match self.0.read_to_end(&mut answer) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("it was not closed: {error}"),
            _ => String::from_utf8_lossy(&answer).into_owned(),
        }
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("")
}

fn answers(host: &Host) {
    assert_eq!(host.post("/api/f", "1234").text(), "4");
}

#[test]
fn who_does_not_go_on_is_left() {
    let host = App::with(BODY_LENGTH).host_json(IMPATIENT).start();
    // Nothing; less than tells the version; half of a request's head; nothing after a whole one.
    assert_eq!(Client::connect(&host).until_closed(), "");
    assert_eq!(Client::connect(&host).send("PRI * HT").until_closed(), "");
    assert_eq!(Client::connect(&host).send("GET /api/f HTTP/1.1\r\nHost: x\r\nX-A: ").until_closed(), "");
    assert_eq!(status(&Client::connect(&host).send("GET /api/f HTTP/1.1\r\nHost: x\r\n\r\n").until_closed()), "200");
    let stalled = Client::connect(&host).send("POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123").until_closed();
    assert_eq!(status(&stalled), "408");
    let chunked =
        Client::connect(&host).send("POST /api/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n").until_closed();
    assert_eq!(status(&chunked), "408");
    answers(&host);
}

#[test]
fn who_does_not_read_is_left() {
    let host = App::with("def main(req):\n    return 'x' * (64 << 20)\n").host_json(IMPATIENT).start();
    let client = Client::connect(&host).send("GET /api/f HTTP/1.1\r\nHost: x\r\n\r\n");
    host.wait_for_line("(Succeeded, ");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(client.until_closed().len() < 64 << 20);
    assert_eq!(host.get("/api/f").body.len(), 64 << 20);
}

#[test]
fn connections_are_limited() {
    let host = App::with(BODY_LENGTH).host_json(r#""snapfunc": {"http": {"maxConnections": 2}}"#).start();
    let (first, second) = (Client::connect(&host), Client::connect(&host));
    let request = "POST /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1";
    let third = Client::connect(&host).send(request);
    third.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!((&third.0).read(&mut [0]).is_err(), "it is not answered before there is a place");
    drop(first);
    third.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(status(&third.until_closed()), "200");
    assert_eq!(status(&second.send(request).until_closed()), "200");
}

#[test]
fn bodies_share_a_room() {
    let host = App::with(BODY_LENGTH).host_json(r#""snapfunc": {"http": {"maxBodiesMb": 1}}"#).start();
    let length = 700 << 10;
    let head = format!("POST /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    let first = Client::connect(&host).send(head).send(vec![b'x'; length - 1]);
    let refused = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        host.post("/api/f", vec![b'y'; length]).status == 503
    });
    assert!(refused, "two of them are more than the room");
    assert!(first.send("x").until_closed().ends_with(&format!("\r\n\r\n{length}")));
    assert_eq!(host.post("/api/f", vec![b'y'; length]).text(), length.to_string());
}

/// Not a connection that breaks under the client's hands: it gets to read why.
#[test]
fn a_refused_body_is_answered() {
    let host = App::with(BODY_LENGTH).start_with(&[], &[("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1000")]);
    let length = 8 << 20;
    let request = |more: &str| format!("POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n");
    for _ in 0..10 {
        let client = Client::connect(&host).send(request("")).send(vec![b'x'; length]);
        assert_eq!(status(&client.until_closed()), "413");
    }
    let asks_first = Client::connect(&host).send(request("Expect: 100-continue\r\n"));
    assert_eq!(status(&asks_first.until_closed()), "413");
    answers(&host);
}

#[test]
fn heads_are_limited() {
    let host = App::with(BODY_LENGTH).start();
    let request = |line: &str, headers: &str| {
        let answer = Client::connect(&host).send(format!("{line}\r\nHost: x\r\n{headers}Connection: close\r\n\r\n")).until_closed();
        status(&answer).to_owned()
    };
    assert_eq!(request("GET /api/f HTTP/1.1", &"X-A: b\r\n".repeat(90)), "200");
    assert_eq!(request("GET /api/f HTTP/1.1", &"X-A: b\r\n".repeat(101)), "431");
    assert_eq!(request("GET /api/f HTTP/1.1", &format!("X-A: {}\r\n", "b".repeat(50 << 10))), "200");
    assert_eq!(request("GET /api/f HTTP/1.1", &format!("X-A: {}\r\n", "b".repeat(70 << 10))), "431");
    assert!(["414", "431"].contains(&request(&format!("GET /api/f?{} HTTP/1.1", "b".repeat(70 << 10)), "").as_str()));
    answers(&host);
}

/// One answer, which refuses, or which took the whole for one request, and then the end of the connection.
#[test]
fn nothing_is_smuggled_past_a_proxy() {
    let host = App::with(BODY_LENGTH).start();
    let hidden = "GET /api/f?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = [
        format!("Content-Length: 3\r\nContent-Length: 4\r\n\r\n123{hidden}"),
        format!("Content-Length: 3, 4\r\n\r\n123{hidden}"),
        format!("Content-Length: +3\r\n\r\n123{hidden}"),
        format!("Content-Length: -3\r\n\r\n123{hidden}"),
        format!("Content-Length: 0x3\r\n\r\n123{hidden}"),
        format!("Content-Length: 18446744073709551617\r\n\r\n1{hidden}"),
        format!("Content-Length : 3\r\n\r\n123{hidden}"),
        format!("Transfer-Encoding: identity\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n0x3\r\n123\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n3\r\n12345\r\n0\r\n\r\n{hidden}"),
        format!("X-A: b\r\n c: d\r\n\r\n{hidden}"),
        format!("X-A: b\0c\r\n\r\n{hidden}"),
        format!("X A: b\r\n\r\n{hidden}"),
    ];
    for rest in refused {
        let answer = Client::connect(&host).send(format!("POST /api/f HTTP/1.1\r\nHost: x\r\n{rest}")).until_closed();
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), ("400", 1), "{rest:?}: {answer}");
    }
    // RFC 9112, 6.3: the encoding counts, and nothing more is taken from the connection.
    let both = format!("POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}");
    let answer = Client::connect(&host).send(both).until_closed();
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    answers(&host);
}

#[test]
fn requests_in_one_piece_are_answered_in_their_order() {
    let host = App::with(BODY_LENGTH).start();
    let one = |length: usize| format!("POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length));
    let last = "GET /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let all = Client::connect(&host).send([one(1), one(2), one(3), last.into()].concat()).until_closed();
    let bodies: Vec<_> = all.split("HTTP/1.1 200 OK\r\n").skip(1).map(|answer| answer.split("\r\n\r\n").nth(1).unwrap()).collect();
    assert_eq!(bodies, ["1", "2", "3", "0"]);
}

#[test]
fn a_route_is_no_path_of_the_machine() {
    let shows = "def main(req):\n    return repr(req.route_params['rest'])\n";
    let binding = r#"[{"type": "httpTrigger", "name": "req", "authLevel": "anonymous", "route": "files/{*rest}"}, {"type": "http", "name": "$return"}]"#;
    let host = App::new().function("f", binding, shows).function("g", HTTP, "def main(req):\n    return 'g'\n").start();
    for path in
        ["../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd", "..\\..\\etc", "%00", "%5c..%5c", "%c0%ae%c0%ae/"]
    {
        let request = format!("GET /api/files/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = Client::connect(&host).send(request).until_closed();
        assert!(["200", "400", "404"].contains(&status(&answer)), "{path}: {answer}");
        assert!(!answer.contains("root:"), "{path}: {answer}");
    }
    assert_eq!(host.get("/api/files/a%2e%2e/b").text(), "'a../b'");
    let dots = Client::connect(&host).send("GET /api/files/../g HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").until_closed();
    assert!(["200", "404"].contains(&status(&dots)), "{dots}");
}

#[test]
fn requests_that_are_none_do_not_reach_a_function() {
    let host = App::with(EVAL).start();
    let mark = host.mark();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let answer = Client::connect(&host).send(bytes).until_closed();
        assert!(["", "400", "505"].contains(&status(&answer)), "{bytes:?}: {answer}");
    }
    assert_eq!(host.eval("result = 1"), 1);
    assert!(!host.lines_since(mark).iter().any(|line| line.contains("panicked")), "{}", host.printed());
}
