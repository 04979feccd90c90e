//! The harness: starts the real program on an app, talks to it over real sockets, and keeps what it prints.

#![allow(dead_code)] // each test file uses a part of it
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

pub(crate) mod azurite;
pub(crate) mod store;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The first start of all compiles the guest.
const LONGEST_START: Duration = Duration::from_secs(300);
/// For everything that should be quick, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// An app in a folder of its own, which lasts as long as this and the hosts started on it.
pub(crate) struct App {
    folder: Arc<TempDir>,
    data: Arc<TempDir>,
}

/// A running host. Killed when dropped.
pub(crate) struct Host {
    child: Child,
    pub(crate) port: u16,
    console: Arc<Console>,
    /// What must last as long as it runs: the app's folder, and that of its data.
    folders: Vec<Arc<TempDir>>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

struct Console {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
    /// Where lines come from.
    pipes: Vec<OwnedFd>,
}

pub(crate) const HTTP: &str = r#"[{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"}, {"type": "http", "name": "$return"}]"#;

/// A function that runs the Python code it is sent and answers with `result`, as JSON. `state` lasts as long as the instance.
pub(crate) const EVAL: &str = r#"
import json

state = {}


def main(req):
    scope = {"state": state, "req": req}
    exec(req.get_body().decode(), scope)
    return json.dumps(scope.get("result"))
"#;

// === impl App ===

impl App {
    /// An app without anything.
    pub(crate) fn new() -> App {
        App { folder: temporary(), data: temporary() }
    }

    /// An app with one HTTP function, `f`.
    pub(crate) fn with(code: &str) -> App {
        App::new().function("f", HTTP, code)
    }

    /// Adds a file.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> App {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Adds a function: its folder with function.json and `__init__.py`.
    pub(crate) fn function(self, name: &str, bindings: &str, code: &str) -> App {
        self.file(&format!("{name}/function.json"), format!("{{\"bindings\": {bindings}}}")).file(&format!("{name}/__init__.py"), code)
    }

    /// Sets host.json, beside its version: `"functionTimeout": "00:00:02"`.
    pub(crate) fn host_json(self, fields: &str) -> App {
        self.file("host.json", format!("{{\"version\": \"2.0\", {fields}}}"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Starts a host on it.
    pub(crate) fn start(&self) -> Host {
        self.start_with(&[], &[])
    }

    /// The same with more arguments and environment variables.
    pub(crate) fn start_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Host {
        let data = [("SNAPFUNC_DATA_DIR", self.data.path().to_str().unwrap())];
        let mut host = Host::start(self.path(), arguments, &[&data, environment].concat());
        host.folders.extend([self.folder.clone(), self.data.clone()]);
        host
    }

    /// Runs a host that is expected to end by itself, at a free port where the arguments name none.
    pub(crate) fn run_to_end(&self, arguments: &[&str]) -> Output {
        let mut command = snapfunc(&[]);
        command.arg("start").args(arguments).current_dir(self.path());
        if !arguments.contains(&"--port") {
            command.args(["--port", &free_port().to_string()]);
        }
        run_to_end(command)
    }
}

/// Runs a program that is expected to end by itself.
pub(crate) fn run_to_end(mut command: Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Pipes that nobody empties would hold it up.
    let (stdout, stderr) = (gather(child.stdout.take().unwrap()), gather(child.stderr.take().unwrap()));
    let started = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if started.elapsed() > 3 * PATIENCE => {
                child.kill().unwrap();
                panic!("{command:?} goes on and on: {}", String::from_utf8_lossy(&stderr.join().unwrap()));
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn gather(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

// === impl Host ===

impl Host {
    /// Starts the program on a folder and waits until it answers.
    pub(crate) fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Host {
        let (port, data) = (free_port(), temporary());
        let mut command = snapfunc(&[&[("SNAPFUNC_DATA_DIR", data.path().to_str().unwrap())], environment].concat());
        command.args(["start", "--script-root"]).arg(folder).args(["--port", &port.to_string()]).args(arguments);
        let mut host = Host::spawn(command, port);
        host.folders.push(data);
        host
    }

    /// Starts a command that will listen on a port, and waits until it answers.
    pub(crate) fn spawn(command: Command, port: u16) -> Host {
        let mut host = Host::spawn_only(command, port);
        host.wait_until_ready();
        host
    }

    /// The same without waiting.
    pub(crate) fn spawn_only(mut command: Command, port: u16) -> Host {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let console = Console::of(vec![child.stdout.take().unwrap().into(), child.stderr.take().unwrap().into()]);
        Host { child, port, console, folders: Vec::new() }
    }

    fn wait_until_ready(&mut self) {
        let started = Instant::now();
        while started.elapsed() < LONGEST_START {
            if let Some(status) = self.child.try_wait().unwrap() {
                thread::sleep(Duration::from_millis(100));
                panic!("the host ended at start ({status}):\n{}", self.printed());
            }
            if self.try_request("GET", "/admin/host/ping", &[], b"").is_ok_and(|answer| answer.status == 200) {
                // The last line of the start: all others have come through the pipe before it.
                self.wait_for_line("(Ctrl-C stops it)");
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the host did not answer:\n{}", self.printed());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.request("POST", path, &[], body)
    }

    /// Runs Python code in an app of `EVAL`, and gives its `result`.
    pub(crate) fn eval(&self, code: &str) -> serde_json::Value {
        let answer = self.post("/api/f", code);
        assert_eq!(answer.status, 200, "{code}\n{}", self.printed());
        answer.json()
    }

    /// One request on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.try_request(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.printed()))
    }

    /// The same where the connection may fail.
    pub(crate) fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(120)))
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.as_ref();
        let mut response = if body.is_empty() && matches!(method, "GET" | "HEAD" | "OPTIONS" | "DELETE") {
            agent.run(request.body(()).unwrap())?
        } else {
            agent.run(request.body(body).unwrap())?
        };
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let mut content = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut content)?;
        Ok(Answer { status: response.status().as_u16(), headers, body: content })
    }

    /// All that was printed so far, both streams.
    pub(crate) fn printed(&self) -> String {
        self.console.all().join("\n")
    }

    /// The lines so far: of an invocation whose response is here, all.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.console.all().clone()
    }

    /// How many lines there are: a mark for `lines_since`.
    pub(crate) fn mark(&self) -> usize {
        self.console.all().len()
    }

    /// Lines after a mark.
    pub(crate) fn lines_since(&self, mark: usize) -> Vec<String> {
        self.console.all()[mark..].to_vec()
    }

    /// Waits for a line that holds a text, and gives the line.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        self.lines_until(0, text).pop().unwrap()
    }

    /// Waits, after a mark, for a line that holds a text, and gives all from the mark to that line.
    pub(crate) fn lines_until(&self, mark: usize, text: &str) -> Vec<String> {
        let lines = self.console.lines.lock().unwrap();
        let end = |lines: &[String]| lines[mark..].iter().position(|line| line.contains(text));
        let (lines, waited) = self.console.grown.wait_timeout_while(lines, PATIENCE, |lines| end(lines).is_none()).unwrap();
        assert!(!waited.timed_out(), "no line holds {text:?}:\n{}", lines.join("\n"));
        lines[mark..=mark + end(&lines).unwrap()].to_vec()
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits until the process ends.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the host did not end:\n{}", self.printed());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// A header's first value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

// === impl Console ===

impl Console {
    fn of(pipes: Vec<OwnedFd>) -> Arc<Console> {
        let console = Arc::new(Console { lines: Mutex::default(), grown: Condvar::new(), pipes });
        for number in 0..console.pipes.len() {
            let console = console.clone();
            thread::spawn(move || console.follow(&console.pipes[number]));
        }
        console
    }

    /// Whoever holds the lines sees a byte either in the pipe or among them.
    fn follow(&self, pipe: &OwnedFd) {
        let (mut buffer, mut unfinished) = (vec![0; 64 * 1024], Vec::new());
        while poll(&mut [PollFd::new(pipe, PollFlags::IN)], None).is_ok() {
            let mut lines = self.lines.lock().unwrap();
            let count = rustix::io::read(pipe, &mut buffer).unwrap();
            if count == 0 {
                return;
            }
            unfinished.extend_from_slice(&buffer[..count]);
            if let Some(end) = unfinished.iter().rposition(|byte| *byte == b'\n') {
                let rest = unfinished.split_off(end + 1);
                let text = String::from_utf8(std::mem::replace(&mut unfinished, rest)).expect("the console is UTF-8");
                lines.extend(text[..end].split('\n').map(str::to_owned));
                self.grown.notify_all();
            }
        }
    }

    /// All that was printed until now. Of a host that never stops printing, what came within a second.
    fn all(&self) -> MutexGuard<'_, Vec<String>> {
        let started = Instant::now();
        loop {
            let lines = self.lines.lock().unwrap();
            if self.pipes.iter().all(|pipe| ioctl_fionread(pipe).unwrap() == 0) || started.elapsed() > Duration::from_secs(1) {
                return lines;
            }
            drop(lines);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The program, in an environment that holds nothing of the machine's, and a cache that all tests share.
pub(crate) fn snapfunc(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapfunc"));
    let inherited: BTreeMap<_, _> = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME").collect();
    command.env_clear().envs(inherited).env("SNAPFUNC_CACHE_DIR", cache()).env("SNAPFUNC_DATA_DIR", cache().with_file_name("data"));
    command.envs(environment.iter().copied());
    command
}

pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// A cache of its own, with what takes long to make taken over from that of all tests, if it was made there already.
pub(crate) fn own_cache() -> TempDir {
    let own = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(cache()).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let target = own.path().join(entry.file_name().unwrap());
        if entry.is_file() && !entry.to_string_lossy().contains(".partial-") {
            fs::copy(entry, target).unwrap();
        } else if entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rootfs-")) {
            #[cfg(unix)]
            std::os::unix::fs::symlink(entry, target).unwrap();
        }
    }
    own
}

fn temporary() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

/// A port that nothing listens on at the moment, and that no other test of this program was given: the kernel's own choice may be the one
/// that another test has just let go of for its host. Below those that connections from here get.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 18000;
    const COUNT: u16 = 12000;
    let start = FIRST + u16::try_from(process::id() % u32::from(COUNT)).unwrap();
    (0..COUNT)
        .map(|_| FIRST + (start - FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}

/// How many files a folder and those in it hold, and whether one of them holds a text. The standard library's folders are left out: nothing writes
/// there. Snapshots are looked at as they are unpacked.
pub(crate) fn search(folder: &Path, text: &[u8]) -> (usize, bool) {
    let folders = [folder.to_owned(), folder.join("snapshots"), folder.join("preloaded")];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    let holds = |path: &Path| {
        let bytes = fs::read(path).unwrap_or_default();
        let unpacked = frame(&bytes).map(|frame| zstd::decode_all(frame).unwrap_or_default());
        memchr::memmem::find(&bytes, text).is_some() || unpacked.is_some_and(|bytes| memchr::memmem::find(&bytes, text).is_some())
    };
    (files.len(), files.iter().any(|path| holds(path)))
}

/// The compressed part of a snapshot, without the digest behind it.
fn frame(bytes: &[u8]) -> Option<&[u8]> {
    let start = memchr::memmem::find(bytes.strip_prefix(b"SNAPFUNC")?, &[0x28, 0xB5, 0x2F, 0xFD])? + 8;
    bytes.get(start..bytes.len() - 32)
}

/// An app of `examples/`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Copies an app, without what was installed in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if !entry.file_type().unwrap().is_dir() {
            fs::copy(entry.path(), target).unwrap();
        } else if entry.file_name() != ".python_packages" {
            copy_folder(&entry.path(), &target);
        }
    }
}
