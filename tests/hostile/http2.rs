//! HTTP/2: that it works at all, and what its streams and windows may cost.

use super::common::{App, Host};
use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use std::future::Future;
use std::io::{self, Read, Write};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const IMPATIENT: &str = r#""snapfunc": {"maxInstances": 4, "http": {"headerTimeout": "00:00:01", "stallTimeout": "00:00:01"}}"#;
const ECHO: &str = "def main(req):\n    return 'x' * int(req.params['n']) if 'n' in req.params else req.method + req.get_body().decode()\n";

/// A connection's client, and how the connection ends.
struct Client(SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>, usize);

impl Client {
    async fn connect(host: &Host, builder: &Builder) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", host.port)).await.unwrap();
        let (client, mut connection) = builder.handshake(stream).await.unwrap();
        // Its settings come with its first answer.
        let mut ping = connection.ping_pong().unwrap();
        let mut connection = Box::pin(connection);
        tokio::select! {
            pong = ping.ping(h2::Ping::opaque()) => { pong.unwrap(); }
            ended = &mut connection => panic!("{ended:?}"),
        }
        let most = connection.max_concurrent_send_streams();
        Client(client, tokio::spawn(connection), most)
    }

    async fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Response<RecvStream>, h2::Error> {
        let request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        self.send_request(request.body(()).unwrap(), body).await
    }

    async fn send_request(&self, request: Request<()>, body: Option<&[u8]>) -> Result<Response<RecvStream>, h2::Error> {
        let mut client = self.0.clone().ready().await?;
        let (answer, mut stream) = client.send_request(request, body.is_none())?;
        if let Some(body) = body {
            stream.send_data(Bytes::copy_from_slice(body), true)?;
        }
        answer.await
    }

    async fn text(&self, method: &str, path: &str, body: Option<&[u8]>) -> String {
        let answer = self.send(method, path, body).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let mut body = answer.into_body();
        let mut all = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.unwrap();
            body.flow_control().release_capacity(piece.len()).unwrap();
            all.extend_from_slice(&piece);
        }
        String::from_utf8(all).unwrap()
    }
}

/// A client that answers nothing that the protocol wants answered, so that it is never done with going.
struct Stubborn(std::net::TcpStream);

/// One frame: its kind, its stream and what it holds.
type Frame = (u8, u32, Vec<u8>);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// No stream above it is served, which is none, and no error.
const GRACEFUL: [u8; 8] = [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0];

impl Stubborn {
    fn connect(host: &Host) -> Stubborn {
        let stream = std::net::TcpStream::connect(("127.0.0.1", host.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (&stream).write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let client = Stubborn(stream);
        client.send(SETTINGS, 0, 0, &[]).unwrap();
        client
    }

    fn send(&self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        (&self.0).write_all(&[&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat())
    }

    /// Asks for a path, on stream 1.
    fn get(&self, path: &str) -> io::Result<()> {
        let texts =
            [(0x04, path), (0x01, "localhost")].map(|(name, text)| [&[name, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat());
        // All of it in one frame; method and scheme are in HPACK's own table.
        self.send(HEADERS, 0x05, 1, &[&[0x82, 0x86], &*texts.concat()].concat())
    }

    /// The next frame; none once the host has closed the connection.
    fn next(&self) -> Option<Frame> {
        let mut head = [0; 9];
        match (&self.0).read_exact(&mut head) {
            Err(error) if [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset].contains(&error.kind()) => return None,
            read => read.unwrap(),
        }
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
        (&self.0).read_exact(&mut payload).ok()?;
        Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// The next frame of a kind.
    fn until(&self, kind: u8) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| frame.0 == kind)
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(Duration::from_secs(60), test).await }).unwrap();
}

#[test]
fn requests_are_answered_many_at_a_time() {
    let host = App::with(ECHO).start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        assert_eq!(client.2, 100, "streams at a time");
        assert_eq!(client.text("GET", "/api/f", None).await, "GET");
        assert_eq!(client.text("POST", "/api/f", Some(b"body")).await, "POSTbody");
        assert_eq!(client.text("GET", "/api/f?n=3000000", None).await.len(), 3_000_000);
        let all = futures_util::future::join_all((0..150).map(|_| client.text("GET", "/api/f?n=10", None))).await;
        assert!(all.iter().all(|text| text == "xxxxxxxxxx"));
    });
}

#[test]
fn headers_are_as_many_as_over_http_1() {
    let host = App::with(ECHO).start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        for (number, status) in [(100, 200), (101, 431), (100, 200)] {
            let request = (0..number).fold(Request::get("http://localhost/api/f"), |request, _| request.header("x-a", "b"));
            assert_eq!(client.send_request(request.body(()).unwrap(), None).await.unwrap().status(), status, "{number}");
        }
    });
}

#[test]
fn head_has_a_length_and_no_body() {
    let code = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse('four', headers={'Content-Length': req.params['n']})\n";
    let host = App::with(code).start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        for (path, length) in [("/api/f?n=70", "70"), ("/api/f?n=x", "4"), ("/api/none", "0")] {
            let answer = client.send("HEAD", path, None).await.unwrap();
            assert_eq!(answer.headers()["content-length"], length, "{path}");
            assert!(answer.into_body().data().await.is_none(), "{path}");
        }
        assert_eq!(client.text("GET", "/api/f?n=70", None).await, "four");
        let home = client.send("HEAD", "/", None).await.unwrap();
        assert!(home.headers()["content-length"] != "0" && home.into_body().data().await.is_none());
    });
}

#[test]
fn functions_see_the_host_of_a_request() {
    let host = App::with("def main(req):\n    return req.url + ' ' + req.headers.get('host', '-')\n").start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        assert_eq!(client.text("GET", "/api/f", None).await, "http://localhost/api/f localhost");
        for (uri, header) in [("http://localhost/api/f", Some("other")), ("http://user@localhost/api/f", None)] {
            let mut request = Request::get(uri);
            if let Some(header) = header {
                request = request.header("host", header);
            }
            let mut ready = client.0.clone().ready().await.unwrap();
            let (answer, _) = ready.send_request(request.body(()).unwrap(), true).unwrap();
            assert_eq!(answer.await.unwrap().status(), 400, "{uri} {header:?}");
        }
    });
}

#[test]
fn who_gives_no_window_is_left() {
    let host = App::with(ECHO).host_json(IMPATIENT).start();
    run(async {
        let client = Client::connect(&host, Builder::new().initial_window_size(0)).await;
        let mut held = Vec::new();
        for _ in 0..20 {
            // Where the machine is busy the first has stood still for too long before the last is asked for.
            let Ok(answer) = client.send("GET", "/api/f?n=1000000", None).await else { break };
            assert_eq!(answer.status(), 200);
            held.push(answer);
        }
        assert!(!held.is_empty());
        // It answers pings, and takes nothing.
        assert!(client.1.await.unwrap().is_err() || client.0.ready().await.is_err());
        // Neither does one stream that moves keep another that does not.
        let client = Client::connect(&host, Builder::new().initial_window_size(0).initial_connection_window_size(1 << 20)).await;
        let _stuck = client.send("GET", "/api/f?n=1000000", None).await.unwrap();
        let moving = async {
            while let Ok(answer) = client.send("GET", "/api/f", None).await {
                drop(answer);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        moving.await;
    });
    assert_eq!(host.get("/api/f").text(), "GET");
}

/// 20 MiB in pieces of 1,000 bytes, five in two seconds: each piece moves the connection, and all of them would take more than two hours.
#[test]
fn who_reads_slowly_is_left() {
    let host = App::with(ECHO).host_json(IMPATIENT).start();
    run(async {
        let client = Client::connect(&host, Builder::new().initial_window_size(1000)).await;
        let mut body = client.send("GET", &format!("/api/f?n={}", 20 << 20), None).await.unwrap().into_body();
        while let Some(Ok(piece)) = body.data().await {
            tokio::time::sleep(Duration::from_millis(400)).await;
            body.flow_control().release_capacity(piece.len()).unwrap();
        }
        assert!(!body.is_end_stream());
        let client = Client::connect(&host, &Builder::new()).await;
        assert_eq!(client.text("GET", &format!("/api/f?n={}", 20 << 20), None).await.len(), 20 << 20, "who reads on has all of it");
    });
}

/// One that waits for its answer, or is yet to take it, does not.
#[test]
fn a_connection_without_streams_makes_room() {
    let code = "import time\ndef main(req):\n    print('begun', req.params['n'])\n    time.sleep(float(req.params['s']))\n    return 'x' * int(req.params['n'])\n";
    let host = App::with(code).host_json(r#""snapfunc": {"maxInstances": 4, "http": {"maxConnections": 3}}"#).start();
    run(async {
        let resting = Client::connect(&host, &Builder::new()).await;
        assert_eq!(resting.text("GET", "/api/f?s=0&n=3", None).await, "xxx");
        let (waiting, taking) =
            (Client::connect(&host, &Builder::new()).await, Client::connect(&host, Builder::new().initial_window_size(0)).await);
        let waits = async { waiting.text("GET", "/api/f?s=3&n=5", None).await };
        let others = async {
            let body = taking.send("GET", "/api/f?s=0&n=100", None).await.unwrap().into_body();
            while !host.printed().contains("begun 5") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            for _ in 0..5 {
                let newcomer = Client::connect(&host, &Builder::new()).await;
                assert_eq!(newcomer.text("GET", "/api/f?s=0&n=4", None).await, "xxxx");
            }
            let _ = resting.1.await.unwrap();
            body
        };
        let (text, body) = tokio::join!(waits, others);
        assert_eq!(text, "xxxxx");
        assert!(!taking.1.is_finished(), "what is not taken yet is under way");
        drop(body);
    });
}

const CROWDED: &str = r#""snapfunc": {"http": {"maxConnections": 1}}"#;

#[test]
fn a_connection_that_makes_room_is_told_so() {
    let host = App::with(ECHO).host_json(CROWDED).start();
    run(async {
        let resting = Client::connect(&host, &Builder::new()).await;
        assert_eq!(resting.text("GET", "/api/f", None).await, "GET");
        let newcomer = Client::connect(&host, &Builder::new()).await;
        assert_eq!(newcomer.text("GET", "/api/f", None).await, "GET");
        // Without an error, unless this is so slow that it is dropped.
        let _ = resting.1.await.unwrap();
        let told = resting.0.ready().await.err().unwrap();
        assert!(told.is_go_away() && told.is_remote() && told.reason() == Some(Reason::NO_ERROR), "{told:?}");
    });
}

#[test]
fn who_is_told_to_go_and_stays_is_dropped() {
    let host = App::with(ECHO).host_json(CROWDED).start();
    let stubborn = Stubborn::connect(&host);
    assert_eq!(host.get("/api/f").text(), "GET");
    assert_eq!(stubborn.until(GOAWAY).unwrap().2, GRACEFUL);
    assert!(stubborn.until(GOAWAY).is_none(), "it was not done with going");
}

/// It had not been told yet, for all that it knows.
#[test]
fn a_request_that_crosses_the_word_to_go_is_answered() {
    // Longer than a client has for going.
    let code = "import time\ndef main(req):\n    time.sleep(1.5 if 's' in req.params else 0)\n    return 'slept'\n";
    let host = App::with(code).host_json(CROWDED).start();
    let answered = || {
        let stubborn = Stubborn::connect(&host);
        assert_eq!(host.get("/api/f").text(), "slept");
        assert_eq!(stubborn.until(GOAWAY)?.2, GRACEFUL);
        stubborn.get("/api/f?s").ok()?;
        let answer = (stubborn.until(HEADERS)?.2[0], stubborn.until(DATA)?.2);
        assert!(stubborn.until(HEADERS).is_none(), "it was not done with going");
        Some(answer)
    };
    // On a machine that is busy it may come too late.
    let answer = (0..5).find_map(|_| answered());
    assert_eq!(answer, Some((0x88, b"slept".to_vec())));
}

#[test]
fn bodies_that_do_not_come_are_left() {
    let host = App::with(ECHO).host_json(IMPATIENT).start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        let request = Request::post("http://localhost/api/f").body(()).unwrap();
        let (answer, mut stream) = client.0.clone().ready().await.unwrap().send_request(request, false).unwrap();
        stream.send_data(Bytes::from_static(b"some"), false).unwrap();
        assert_eq!(answer.await.unwrap().status(), 408);
        assert_eq!(client.text("GET", "/api/f", None).await, "GET", "others on the connection go on");
    });
}

/// CVE-2023-44487.
#[test]
fn requests_that_are_taken_back_at_once_cost_little() {
    let host = App::with(ECHO).host_json(IMPATIENT).start();
    run(async {
        let client = Client::connect(&host, &Builder::new()).await;
        let mut sent = 0;
        while sent < 5000 {
            let Ok(mut ready) = client.0.clone().ready().await else { break };
            let request = Request::get("http://localhost/api/f").body(()).unwrap();
            let Ok((_, mut stream)) = ready.send_request(request, true) else { break };
            stream.send_reset(Reason::CANCEL);
            sent += 1;
        }
        let other = Client::connect(&host, &Builder::new()).await;
        assert_eq!(other.text("GET", "/api/f", None).await, "GET");
    });
    assert!(!host.printed().contains("panicked"), "{}", host.printed());
    assert_eq!(host.get("/api/f").text(), "GET");
}
