//! From inside, by the network: functions that may connect somewhere, and want more.

use super::common::{App, EVAL, Host, free_port, snapfunc};
use serde_json::json;
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

fn app(destinations: &str, more: &str) -> App {
    App::with(EVAL)
        .host_json(&format!(r#""functionTimeout": "00:00:03", "snapfunc": {{"maxInstances": 2, "outbound": {destinations}{more}}}"#))
}

fn descriptors(host: &Host) -> usize {
    fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count()
}

#[test]
fn sockets_are_limited_and_do_not_leak() {
    let host = app(r#"["127.0.0.1:*"]"#, "").start();
    let hoard = "
import socket
sockets, result = [], None
try:
    while len(sockets) < 2000: sockets.append(socket.socket())
except OSError as error: result = str(error)
result = [len(sockets), result is not None]
state['kept'] = sockets
";
    host.eval("result = 1");
    let before = descriptors(&host);
    assert_eq!(host.eval(hoard), json!([256, true]));
    assert!(descriptors(&host) <= before + 256 + 16);
    let again = "
import gc, socket
state.clear(); gc.collect()
result = [socket.socket().fileno() >= 0 for _ in range(300)] == [True] * 300
";
    assert_eq!(host.eval(again), true, "those that were closed count no more");
    assert!(descriptors(&host) <= before + 16);
}

/// Where the process may have few descriptors, sockets of functions leave a quarter of them for clients and the host's own files.
#[test]
fn sockets_and_files_leave_descriptors_for_others() {
    let hoards = ["sockets.append(socket.socket())", "sockets.append(open('/home/site/wwwroot/host.json'))"];
    hoards.into_iter().for_each(leaves_descriptors_for_others);
}

fn leaves_descriptors_for_others(take: &str) {
    let app = app(r#"["127.0.0.1:*"]"#, "");
    let (port, program) = (free_port(), snapfunc(&[]));
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(["start", "--port", &port.to_string()]);
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("SNAPFUNC_DATA_DIR", app.data()).current_dir(app.path());
    let host = Host::spawn(command, port);
    let hoard = format!(
        "
import socket
sockets = state['kept'] = []
try:
    while len(sockets) < 250: {take}
except OSError as error: result = len(sockets)
"
    );
    assert!((50..150).contains(&host.eval(&hoard).as_u64().unwrap()), "{take}");
    let taken = descriptors(&host);
    assert!((140..=160).contains(&taken), "{taken}");
    let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(host.eval("result = 1"), 1, "with {} more clients", clients.len());
}

#[test]
fn nobody_listens() {
    let host = app(r#"["127.0.0.1:*", "*:*"]"#, "").start();
    let code = "
import socket
def attempt(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    try:
        with socket.socket(family, kind) as server:
            server.bind(address)
            server.listen()
            return server.getsockname()
    except OSError as error:
        return type(error).__name__
result = [attempt(('0.0.0.0', 0)), attempt(('0.0.0.0', 18080)), attempt(('127.0.0.1', 0)), attempt(('127.0.0.1', 18080)),
          attempt(('::', 0), socket.AF_INET6), attempt(('0.0.0.0', 0), kind=socket.SOCK_DGRAM)]
";
    let result = host.eval(code);
    assert!(result.as_array().unwrap().iter().all(|error| error.as_str().is_some_and(|error| error.ends_with("Error"))), "{result}");
}

/// In the host's call that waits, where no code of the guest runs that could be stopped.
#[test]
fn a_connection_that_never_answers_ends_at_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = thread::spawn(move || listener.incoming().take(4).collect::<Vec<_>>());
    let host = app(&format!(r#"["127.0.0.1:{port}"]"#), "").start();
    let connect = format!("import socket\nconnection = socket.create_connection(('127.0.0.1', {port}))\n");
    let fetch = format!("import http.client\nhttp.client.HTTPConnection('127.0.0.1', {port}).request('GET', '/')\n");
    for code in [
        format!("{connect}connection.recv(1)"),
        format!("{connect}while True: connection.sendall(b'x' * 1_000_000)"),
        format!(
            "{fetch}connection = http.client.HTTPConnection('127.0.0.1', {port})\nconnection.request('GET', '/')\nconnection.getresponse()"
        ),
    ] {
        let mark = host.mark();
        assert_eq!(host.post("/api/f", &code).status, 500, "{code}");
        host.lines_until(mark, "it ran longer than 3 seconds");
        assert_eq!(host.eval("result = 1"), 1);
    }
    drop(host);
    assert_eq!(silent.join().unwrap().len(), 4);
}

#[test]
fn names_are_looked_up_where_they_are_allowed_only() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = app(&format!(r#"["localhost:{port}"]"#), "").start();
    let code = format!(
        "
import socket
found = [entry[4] for entry in socket.getaddrinfo('LOCALHOST', {port}, type=socket.SOCK_STREAM)]
with socket.create_connection(('localhost', {port}), 5) as connection: peer = connection.getpeername()
try:
    socket.getaddrinfo('localhost.localdomain', {port})
except OSError as error:
    refused = type(error).__name__
result = [['127.0.0.1', {port}] in [list(address[:2]) for address in found], list(peer[:2]), refused]
"
    );
    let found = host.eval(&code);
    assert_eq!((&found[0], &found[1]), (&json!(true), &json!(["127.0.0.1", port])), "{found}");
    assert!(found[2].as_str().is_some_and(|error| error.ends_with("rror")), "{found}");
}

/// A system whose only name server is silent: `SETTINGS` is a folder with its files. Only for one program, in a mount namespace.
const ELSEWHERE: &str =
    r#"for file in resolv.conf nsswitch.conf; do mount --bind "$SETTINGS/$file" "/etc/$file" || exit 1; done; exec "$@""#;

fn elsewhere(settings: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", ELSEWHERE, "sh"]).env("SETTINGS", settings);
    command
}

fn start_elsewhere(settings: &Path, app: &App) -> Host {
    let (port, program) = (free_port(), snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]));
    let mut command = elsewhere(settings);
    command.arg(program.get_program()).args(["start", "--port", &port.to_string()]).current_dir(app.path());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("SETTINGS", settings);
    Host::spawn(command, port)
}

/// The system would ask for minutes. Each lookup has a thread for as long, of which there are 32 and no more.
#[test]
fn lookups_that_nobody_answers_end_and_hold_up_nobody_else() {
    let Ok(silent) = UdpSocket::bind("127.0.0.199:53") else { return eprintln!("not tested: a name server's port can't be had") };
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let settings = tempfile::tempdir().unwrap();
    fs::write(settings.path().join("resolv.conf"), "nameserver 127.0.0.199\noptions timeout:30 attempts:4\n").unwrap();
    fs::write(settings.path().join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    if !elsewhere(settings.path()).arg("true").status().is_ok_and(|status| status.success()) {
        return eprintln!("not tested: there are no mount namespaces here");
    }
    let binding = r#"{"type": "blob", "direction": "out", "name": "$return", "path": "data/{rand-guid}"}"#;
    let write = format!(r#"[{{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"}}, {binding}]"#);
    let options = |seconds: u32| {
        format!(
            r#""functionTimeout": "00:00:{seconds:02}", "snapfunc": {{"maxInstances": 40, "memoryMb": 128, "outbound": ["*.example.test:443"]}}"#
        )
    };
    let app = App::with(EVAL).function("write", &write, "def main(req):\n    return 'x' * 100_000\n").host_json(&options(50));
    let mut host = start_elsewhere(settings.path(), &app);
    let look_up = |host: &Host, number: usize| {
        host.eval(&format!(
            "import socket, time\nbegun = time.monotonic()\ntry:\n    socket.getaddrinfo('n{number}.example.test', 443)\n\
             except socket.gaierror: result = time.monotonic() - begun"
        ))
    };
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..36)
            .map(|number| {
                scope.spawn({
                    let host = &host;
                    move || look_up(host, number).as_f64().unwrap()
                })
            })
            .collect();
        // Each asks for two kinds of addresses, and all at once for the first time.
        (0..40).for_each(|_| assert!(silent.recv(&mut [0; 512]).unwrap() > 0));
        for _ in 0..10 {
            let begun = Instant::now();
            assert_eq!(host.eval("result = 1"), 1);
            assert_eq!(host.post("/api/write", "").status, 200, "{}", host.printed());
            assert!(begun.elapsed() < Duration::from_secs(5), "it had to wait: {:?}", begun.elapsed());
        }
        assert!(waiting.iter().any(|lookup| !lookup.is_finished()), "it was not seen beside lookups");
        for lookup in waiting {
            let took = lookup.join().unwrap();
            assert!((9.0..20.0).contains(&took), "{took} s");
        }
    });
    // The system is still at it.
    let begun = Instant::now();
    host.signal("TERM");
    host.wait();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let app = App::with(EVAL).host_json(&options(3));
    let host = start_elsewhere(settings.path(), &app);
    assert_eq!(host.post("/api/f", "import socket; socket.getaddrinfo('x.example.test', 443)").status, 500);
    host.wait_for_line("it ran longer than 3 seconds");
}

#[test]
fn tls_is_for_those_who_may_connect() {
    let code = "
import ssl
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
def begin():
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='x')
        return 'begun'
    except ssl.SSLError as error:
        return str(error)
result = begin()
";
    let told = App::with(EVAL).start().eval(code);
    assert_eq!(told, "no connections are allowed: see snapfunc.outbound in host.json");
    let many = format!("{code}\nkept = [begin() for _ in range(5)]\nresult = kept");
    assert_eq!(app(r#"["127.0.0.1:1"]"#, "").start().eval(&many), json!(vec!["begun"; 5]));
}
