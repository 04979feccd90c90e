//! From outside: what a client may cost, and what it can't smuggle.

use super::common::{App, EVAL, HTTP, Host, free_port, snapfunc};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

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

    /// Whether anything has come.
    fn has_an_answer(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let came = self.0.peek(&mut [0]).is_ok();
        self.0.set_nonblocking(false).unwrap();
        came
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

/// The same over TLS.
struct SecureClient(StreamOwned<ClientConnection, TcpStream>);

/// A host that speaks TLS, and whom its clients trust.
struct SecureHost(Host, Arc<ClientConfig>);

impl SecureHost {
    fn start(app: &App) -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (file, port) = (app.data().join("own.pem"), free_port());
        std::fs::write(&file, own.cert.pem() + &own.signing_key.serialize_pem()).unwrap();
        let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
        command.args(["start", "--use-https", "--cert"]).arg(&file).args(["--port", &port.to_string()]).arg(app.path());
        let host = Host::spawn_only(command, port);
        host.wait_for_line("(Ctrl-C stops it)");
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        SecureHost(host, Arc::new(config))
    }

    /// After the handshake.
    fn connect(&self) -> SecureClient {
        let mut stream = Client::connect(&self.0).0;
        let mut connection = ClientConnection::new(self.1.clone(), ServerName::try_from("localhost").unwrap()).unwrap();
        connection.complete_io(&mut stream).unwrap();
        SecureClient(StreamOwned::new(connection, stream))
    }
}

impl SecureClient {
    fn send(mut self, text: &str) -> Self {
        self.0.write_all(text.as_bytes()).unwrap();
        self
    }

    fn until_closed(mut self) -> String {
        let mut answer = Vec::new();
        match self.0.read_to_end(&mut answer) {
            // The host breaks off: it has nothing to say any more.
            Err(error) if !matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
                panic!("it was not closed: {error}")
            }
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

/// TLS says much before the client has said anything.
#[test]
fn who_does_not_go_on_behind_tls_is_left() {
    let host = SecureHost::start(&App::with(BODY_LENGTH).host_json(IMPATIENT));
    assert_eq!(host.connect().until_closed(), "");
    assert_eq!(host.connect().send("PRI * HT").until_closed(), "");
    assert_eq!(host.connect().send("GET /api/f HTTP/1.1\r\nHost: x\r\nX-A: ").until_closed(), "");
    assert_eq!(status(&host.connect().send("GET /api/f HTTP/1.1\r\nHost: x\r\n\r\n").until_closed()), "200");
}

/// A whole request is shorter than what tells HTTP/2 from HTTP/1.
#[test]
fn a_short_request_has_its_answer_however_long_that_takes() {
    let host = App::with("import time\ndef main(req):\n    time.sleep(2.5)\n    return 'late'\n").host_json(IMPATIENT).start();
    let request = "GET /api/f HTTP/1.0\r\n\r\n";
    assert!(request.len() < 24);
    let answer = Client::connect(&host).send(request).until_closed();
    assert!(answer.ends_with("late"), "{answer}");
}

/// Sends a little again and again until the host has had enough, and gives the answer.
fn drips(client: Client, interval: Duration) -> String {
    let (started, mut writer) = (Instant::now(), client.0.try_clone().unwrap());
    let dripping = std::thread::spawn(move || {
        while started.elapsed() < Duration::from_secs(15) && writer.write_all(b"x").is_ok() {
            std::thread::sleep(interval);
        }
    });
    let answer = client.until_closed();
    assert!(started.elapsed() < Duration::from_secs(15), "it was let go on");
    dripping.join().unwrap();
    answer
}

/// What came quickly is no credit for what comes slowly.
#[test]
fn a_body_that_begins_quickly_can_not_go_on_slowly() {
    let host = App::with(BODY_LENGTH).host_json(IMPATIENT).start();
    let head = "POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    let client = Client::connect(&host).send(head).send(vec![b'x'; 500_000]);
    assert_eq!(status(&drips(client, Duration::from_millis(200))), "408");
    answers(&host);
}

#[test]
fn who_is_refused_is_refused_before_the_body() {
    let locked = HTTP.replace("anonymous", "function");
    let app = App::with(BODY_LENGTH).function("locked", &locked, BODY_LENGTH);
    let host = app.start_with(&["--enable-auth"], &[]);
    for (path, expected) in [("/api/none", "404"), ("/api/locked", "401"), ("/api/locked?code=x", "401"), ("/admin/host/status", "401")] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n");
        let client = Client::connect(&host).send(head);
        // Longer than it takes to answer, less than a body may be still.
        client.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut first = [0; 12];
        (&client.0).read_exact(&mut first).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(first, format!("HTTP/1.1 {expected}").as_bytes(), "{path}");
    }
    assert_eq!(host.post("/api/f", "1234").text(), "4");
}

#[test]
fn responses_share_a_room() {
    let app = App::with("def main(req):\n    return 'x' * int(req.params['n'])\n");
    let host = app.host_json(r#""snapfunc": {"http": {"maxBodiesMb": 20}}"#).start();
    let size = 16 << 20;
    let path = format!("/api/f?n={size}");
    let idle = Client::connect(&host).send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    host.wait_for_line("(Succeeded, ");
    assert_eq!(host.get(&path).status, 503, "two of them are more than the room");
    assert_eq!(host.get("/api/f?n=5").text(), "xxxxx");
    drop(idle);
    let served = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        host.get(&path).body.len() == size
    });
    assert!(served, "the room was not given back");
}

/// Beyond what a call may carry, and beyond what the instance may have: an error, and no more memory than the instance's.
#[test]
fn giant_responses_are_errors_and_cost_the_instance_only() {
    let limit = r#""snapfunc": {"memoryMb": 768, "maxInstances": 1}"#;
    let giant = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse(b'x' * (int(req.params['mib']) << 20))\n";
    let host = App::with(giant).host_json(limit).start();
    for mib in [300, 1024] {
        assert_eq!(host.get(&format!("/api/f?mib={mib}")).status, 500, "{mib}");
        assert_eq!(host.get("/api/f?mib=1").body.len(), 1 << 20, "after {mib}: {}", host.printed());
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let peak: u64 = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    // The instance, and what one call carries, 160 MiB, twice, and the program.
    assert!(peak < (768 + 2 * 160 + 256) << 10, "{peak} KiB");
}

/// An address of this machine that is not the loopback's: what it would talk to others from. Nothing is sent.
fn outside() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}

#[test]
fn without_keys_the_admin_api_is_for_this_machine_only() {
    let Some(outside) = outside() else { return eprintln!("not tested: this machine has no address but its own") };
    let host = App::with(BODY_LENGTH).start_with(&["--address", "0.0.0.0"], &[]);
    let ask = |address: IpAddr, path: &str| {
        let mut stream = TcpStream::connect((address, host.port)).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        status(&answer).to_owned()
    };
    let here = IpAddr::from([127, 0, 0, 1]);
    for path in ["/admin/host/status", "/admin/functions", "/admin/host/keys", "/admin/functions/f/keys"] {
        assert_eq!((ask(here, path), ask(outside, path)), ("200".to_owned(), "401".to_owned()), "{path}");
    }
    for path in ["/admin/host/ping", "/api/f"] {
        assert_eq!((ask(here, path), ask(outside, path)), ("200".to_owned(), "200".to_owned()), "{path}");
    }
}

/// A browser on this machine asks for whatever a page wants, and its clients are on this machine.
#[test]
fn without_keys_the_admin_api_is_for_no_page_of_another_host() {
    let host = App::with(BODY_LENGTH).start_with(&["--cors", "*"], &[]);
    let ask = |line: &str, name: &str, headers: &str| {
        let request = format!("{line} HTTP/1.1\r\nHost: {name}:{}\r\n{headers}Connection: close\r\n\r\n", host.port);
        status(&Client::connect(&host).send(request).until_closed()).to_owned()
    };
    for name in ["localhost", "127.0.0.1", "[::1]", "app.localhost"] {
        assert_eq!(ask("GET /admin/host/status", name, ""), "200", "{name}");
        assert_eq!(ask("GET /admin/host/status", name, "Origin: http://localhost:3000\r\n"), "200", "{name}");
    }
    for line in ["GET /admin/host/keys", "POST /admin/host/drain", "POST /admin/functions/f"] {
        // Sent without asking first, as `text/plain`; and from a page whose name leads here now.
        assert_eq!(ask(line, "localhost", "Origin: https://evil.example\r\n"), "401", "{line}");
        assert_eq!(ask(line, "localhost", "Origin: null\r\n"), "401", "{line}");
        assert_eq!(ask(line, "evil.example", ""), "401", "{line}");
    }
    for path in ["/admin/host/ping", "/api/f"] {
        assert_eq!(ask(&format!("GET {path}"), "evil.example", "Origin: https://evil.example\r\n"), "200", "{path}");
    }
    assert!(host.get("/admin/host/drain/status").text().contains("Disabled"));
}

/// The system's soft limit is often 1,024, which 512 clients would use up.
#[test]
fn descriptors_are_taken_as_far_as_the_system_gives_them() {
    let app = App::with(BODY_LENGTH);
    let port = free_port();
    let program = snapfunc(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -Sn 256 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(["start", "--port", &port.to_string()]);
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("SNAPFUNC_DATA_DIR", app.data()).current_dir(app.path());
    let host = Host::spawn(command, port);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers[0], numbers[1].min(65_536), "{line}");
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

/// Connections with requests under way, which no other takes the place of.
#[test]
fn connections_are_limited() {
    let host = App::with(BODY_LENGTH).host_json(r#""snapfunc": {"http": {"maxConnections": 2}}"#).start();
    let head = "POST /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n";
    let (first, second) = (Client::connect(&host).send(head), Client::connect(&host).send(head));
    let third = Client::connect(&host).send(format!("{head}1"));
    third.0.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!((&third.0).read(&mut [0]).is_err(), "it is not answered before there is a place");
    drop(first);
    third.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(status(&third.until_closed()), "200");
    assert_eq!(status(&second.send("1").until_closed()), "200");
}

const KEEP: &str = "GET /api/f HTTP/1.1\r\nHost: x\r\n\r\n";

/// Connections that wait for a request, or for the rest of its head, give up their places; one that waits for its answer does not.
#[test]
fn who_rests_makes_room() {
    let slow = "import time\ndef main(req):\n    time.sleep(float(req.params.get('s', 0)))\n    return 'answered'\n";
    // Longer than clients here wait: it is not the time that ends their connections.
    let host = App::with(slow).host_json(r#""snapfunc": {"maxInstances": 2, "http": {"maxConnections": 4, "headerTimeout": "00:02:00"}}"#);
    let host = host.start();
    let busy = Client::connect(&host).send("GET /api/f?s=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let resting = [("", false), ("GET /api/f HTTP/1.1\r\nHost: x\r\nX-A: ", false), (KEEP, true)].map(|(bytes, answered)| {
        let client = Client::connect(&host).send(bytes);
        if answered {
            client.0.peek(&mut [0]).unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        client
    });
    let mut newcomers = Vec::new();
    for client in resting {
        let newcomer = Client::connect(&host).send(KEEP);
        newcomer.0.peek(&mut [0]).unwrap();
        newcomers.push(newcomer);
        let answer = client.until_closed();
        assert!(answer.is_empty() || answer.ends_with("answered"), "{answer}");
    }
    assert!(busy.until_closed().ends_with("answered"));
}

/// Whoever takes all places takes them from itself.
#[test]
fn many_connections_of_one_client_keep_no_others_out() {
    let host = App::with(BODY_LENGTH).host_json(r#""snapfunc": {"http": {"maxConnections": 40, "headerTimeout": "00:02:00"}}"#).start();
    let kept = Client::connect(&host);
    let ask = || {
        (&kept.0).write_all(KEEP.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n0") {
            let mut byte = [0];
            (&kept.0).read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer)));
            answer.push(byte[0]);
        }
    };
    ask();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _idle: Vec<_> = (0..200)
        .map(|_| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            runtime.block_on(socket.connect(([127, 0, 0, 1], host.port).into())).unwrap()
        })
        .collect();
    for _ in 0..10 {
        answers(&host);
        ask();
    }
}

/// They wait where the host can't accept them as quickly as they come; a client that finds no room there tries again after a second.
#[test]
fn a_burst_of_connections_finds_room() {
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if most.trim().parse::<u32>().unwrap() < 1000 {
        return eprintln!("not tested: this machine lets {most} connections wait");
    }
    let host = App::with(BODY_LENGTH).start();
    host.signal("STOP");
    let address = ([127, 0, 0, 1], host.port).into();
    let connect = |number| TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap_or_else(|error| panic!("{number}: {error}"));
    let waiting: Vec<_> = (0..600).map(connect).collect();
    host.signal("CONT");
    answers(&host);
    drop(waiting);
}

/// Neither do those that do not begin to speak TLS.
#[test]
fn who_makes_no_handshake_makes_room() {
    let limits = r#""snapfunc": {"http": {"maxConnections": 2, "headerTimeout": "00:02:00"}}"#;
    let host = SecureHost::start(&App::with(BODY_LENGTH).host_json(limits));
    let silent: Vec<_> = (0..5).map(|_| Client::connect(&host.0).send("\x16\x03")).collect();
    let answer = host.connect().send("GET /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").until_closed();
    assert_eq!(status(&answer), "200");
    drop(silent);
}

/// Else it would look as if somebody had cut its connection: it has an answer, or has asked for nothing yet.
#[test]
fn who_makes_room_is_told_so_over_tls() {
    let limits = r#""snapfunc": {"http": {"maxConnections": 1, "headerTimeout": "00:02:00"}}"#;
    let host = SecureHost::start(&App::with(BODY_LENGTH).host_json(limits));
    for (request, expected) in [(KEEP, "200"), ("", "")] {
        let mut resting = host.connect().send(request);
        let newcomer = host.connect().send("GET /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").until_closed();
        assert_eq!(status(&newcomer), "200");
        let mut answer = String::new();
        resting.0.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{request:?}: {error}"));
        assert_eq!(status(&answer), expected);
    }
}

#[test]
fn bodies_share_a_room() {
    let host = App::with(BODY_LENGTH).host_json(r#""snapfunc": {"http": {"maxBodiesMb": 1}}"#).start();
    let length = 700 << 10;
    let head = format!("POST /api/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    let begin = || Client::connect(&host).send(&head).send(vec![b'x'; length - 1]);
    let mut first = begin();
    let refused = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        if host.post("/api/f", vec![b'y'; length]).status == 503 {
            return true;
        }
        // Where the machine is busy the host may have read the other one first, and refused this.
        if first.has_an_answer() {
            first = begin();
        }
        false
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

/// Two answers to which host a request is for would be one for a proxy and another for a function.
#[test]
fn a_request_is_for_one_host_and_asks_for_no_tunnel() {
    let host = App::with("def main(req):\n    return req.url + ' ' + req.headers.get('host', '-')\n").start();
    let ask =
        |line: &str, headers: &str| Client::connect(&host).send(format!("{line}\r\n{headers}Connection: close\r\n\r\n")).until_closed();
    let refused = [
        ("GET /api/f HTTP/1.1", ""),
        ("GET /api/f HTTP/1.1", "Host: a\r\nHost: b\r\n"),
        ("GET /api/f HTTP/1.1", "Host: a\r\nHost: a\r\n"),
        ("GET /api/f HTTP/1.0", "Host: a\r\nHost: b\r\n"),
        ("GET /api/f HTTP/1.1", "Host: user@a\r\n"),
        ("GET /api/f HTTP/1.1", "Host: a,b\r\n"),
        ("GET /api/f HTTP/1.1", "Host: a b\r\n"),
        ("GET /api/f HTTP/1.1", "Host: a/b?\r\n"),
        ("GET /api/f HTTP/1.1", "Host: a:b\r\n"),
        ("GET http://a/api/f HTTP/1.1", "Host: b\r\n"),
        ("GET http://user@a/api/f HTTP/1.1", "Host: a\r\n"),
        ("CONNECT /api/f HTTP/1.1", "Host: a\r\n"),
        ("CONNECT http://a/api/f HTTP/1.1", "Host: a\r\n"),
        ("CONNECT a:80 HTTP/1.1", "Host: a:80\r\n"),
    ];
    for (line, headers) in refused {
        let answer = ask(line, headers);
        assert_eq!(status(&answer), "400", "{line} {headers:?}: {answer}");
    }
    for (line, headers, seen) in [
        ("GET /api/f HTTP/1.1", "Host: a_b:81\r\n", "http://a_b:81/api/f a_b:81"),
        ("GET http://A:81/api/f HTTP/1.1", "Host: a:81\r\n", "http://A:81/api/f A:81"),
        ("GET /api/f HTTP/1.0", "", &format!("http://127.0.0.1:{}/api/f -", host.port)),
    ] {
        let answer = ask(line, headers);
        assert!(answer.ends_with(seen), "{line} {headers:?}: {answer}");
    }
    assert!(!host.printed().contains("Failed"), "{}", host.printed());
}

/// It goes on, and so does what it was given.
#[test]
fn what_was_sent_by_who_breaks_off_takes_its_room() {
    let host = App::with(EVAL).host_json(r#""snapfunc": {"http": {"maxBodiesMb": 1}}"#).start();
    let padded = |code: &str| format!("{code}\n#{}", "x".repeat(600 << 10));
    let code = padded("import logging, time; logging.info('begun'); time.sleep(1); logging.info('at the end')");
    let client = Client::connect(&host).send(format!("POST /api/f HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{code}", code.len()));
    host.wait_for_line("begun");
    drop(client);
    assert_eq!(host.post("/api/f", padded("")).status, 503);
    host.wait_for_line("Executed 'Functions.f' (Succeeded");
    // The line comes first, then the room is free.
    let served = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        host.post("/api/f", padded("")).status == 200
    });
    assert!(served, "the room was not given back");
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
