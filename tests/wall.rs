//! The second wall: what the process of `serve` may not do any more.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP, Host, free_port, run_to_end, snapfunc};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, UTIME_NOW, XattrFlags, inotify, mknodat, removexattr, setxattr, utimensat,
};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, getpriority_process, getrlimit, prlimit, setpriority_process};
use seccompiler::{SeccompAction, SeccompFilter};
use snapfunc::wall::{self, Gates, Part};
use std::fs::{self, File};
use std::net::{ToSocketAddrs, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown, fchown, lchown};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::SystemTime;
use std::{env, io, thread};

const QUEUE_OUT: &str = r#"[{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"},
    {"type": "queue", "direction": "out", "name": "msg", "queueName": "out"}, {"type": "http", "direction": "out", "name": "$return"}]"#;

/// What the test below tells the process that it runs: a folder that is not its own, and the name of a socket in no folder.
const FOREIGN: &str = "SNAPFUNC_TEST_FOREIGN";
const ABSTRACT: &str = "SNAPFUNC_TEST_ABSTRACT";

/// Whether this kernel has all of Landlock that is asked for: its sixth version, which came with Linux 6.12.
fn has_all_of_landlock() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(12))
}

fn refused<T: std::fmt::Debug>(what: &str, result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{what}");
}

fn now() -> Timestamps {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Timestamps { last_access: now, last_modification: now }
}

/// What Landlock leaves open on files that can't be opened: their modes, owners, times and attributes, and watching them.
fn properties_can_not_be_changed(old: &Path, own: &Path) {
    refused("a mode", fs::set_permissions(old, fs::Permissions::from_mode(0o666)));
    let open = File::create(own).unwrap();
    refused("an open file's mode", open.set_permissions(fs::Permissions::from_mode(0o666)));
    let (user, group) = (Some(rustix::process::getuid().as_raw()), Some(rustix::process::getgid().as_raw()));
    refused("an owner", chown(old, user, group));
    refused("a link's owner", lchown(old, user, group));
    refused("an open file's owner", fchown(&open, user, group));
    assert_eq!(utimensat(CWD, old, &now(), AtFlags::empty()), Err(Errno::PERM));
    assert_eq!(setxattr(old, "user.of", b"x", XattrFlags::empty()), Err(Errno::PERM));
    assert_eq!(removexattr(old, "user.of"), Err(Errno::PERM));
    assert_eq!(inotify::init(inotify::CreateFlags::CLOEXEC).unwrap_err(), Errno::PERM, "being told of changes");
    // As the host does with snapshots that are used.
    open.set_modified(SystemTime::now()).unwrap();
}

fn other_processes_keep_what_they_have(parent: Pid) {
    let limit = getrlimit(Resource::Core);
    assert_eq!(prlimit(Some(parent), Resource::Core, limit), Err(Errno::PERM));
    prlimit(None, Resource::Core, limit).unwrap();
    assert_eq!(setpriority_process(Some(parent), getpriority_process(None).unwrap()), Err(Errno::PERM));
}

fn there_are_networks_only(socket: &Path) {
    refused("a socket with a file", UnixStream::connect(socket));
    refused("a socket that may be connected later", UnixDatagram::unbound());
    refused("a pair that can be connected to something else", UnixDatagram::pair());
    UnixStream::pair().unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(("localhost", 80).to_socket_addrs().unwrap().next().is_some());
}

/// Not a test of its own: the one below runs it in a process that may be walled in.
#[test]
#[ignore = "walls its own process in"]
fn behind_the_wall() {
    let own = tempfile::tempdir().unwrap();
    let foreign = PathBuf::from(env::var(FOREIGN).unwrap());
    let parent = rustix::process::getppid().unwrap();
    // All of it can be done before.
    fs::write(foreign.join("new"), "x").unwrap();
    rustix::process::test_kill_process(parent).unwrap();
    let peer = SocketAddr::from_abstract_name(env::var(ABSTRACT).unwrap()).unwrap();
    UnixStream::connect_addr(&peer).unwrap();
    let (old, socket) = (foreign.join("old"), foreign.join("socket"));
    UnixStream::connect(&socket).unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&old, Some(rustix::process::getuid().as_raw()), None).unwrap();
    utimensat(CWD, &old, &now(), AtFlags::empty()).unwrap();
    inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    UnixDatagram::unbound().unwrap();
    setpriority_process(Some(parent), getpriority_process(Some(parent)).unwrap()).unwrap();
    prlimit(Some(parent), Resource::Core, getrlimit(Resource::Core)).unwrap();
    let wall = wall::raise(&Gates { read: vec![], write: vec![own.path().to_owned()] });
    println!("{wall}");
    assert_eq!(wall.seccomp, Part::Up);
    let attempts = || {
        assert_eq!(Command::new("/bin/true").status().unwrap_err().raw_os_error(), Some(libc::EPERM));
        let fifo = mknodat(CWD, own.path().join("fifo"), FileType::Fifo, Mode::RUSR, 0);
        assert_eq!(fifo, Err(Errno::PERM));
        properties_can_not_be_changed(&old, &own.path().join("x"));
        other_processes_keep_what_they_have(parent);
        there_are_networks_only(&socket);
        fs::write(own.path().join("x"), "x").unwrap();
        fs::rename(own.path().join("x"), own.path().join("y")).unwrap();
        fs::remove_file(own.path().join("y")).unwrap();
        if matches!(wall.landlock, Part::Down(_)) {
            return;
        }
        // Whatever the version: the oldest has these.
        refused("a file of the system", File::open("/etc/hostname"));
        refused("a list", fs::read_dir("/etc"));
        if fs::exists("/etc/ssl/private").unwrap() {
            refused("keys beside certificates", fs::read_dir("/etc/ssl/private"));
        }
        refused("reading", File::open(foreign.join("old")));
        refused("writing", File::options().append(true).open(foreign.join("old")));
        refused("making", File::create(foreign.join("made")));
        refused("deleting", fs::remove_file(foreign.join("old")));
        refused("moving", fs::rename(foreign.join("old"), foreign.join("moved")));
        refused("a folder", fs::create_dir(foreign.join("folder")));
        refused("a link", std::os::unix::fs::symlink("/", foreign.join("link")));
        assert!(fs::hard_link(foreign.join("old"), own.path().join("linked")).is_err());
        if wall.landlock == Part::Up {
            assert_eq!(rustix::process::test_kill_process(parent), Err(Errno::PERM));
            refused("a socket without a file", UnixStream::connect_addr(&peer));
        }
    };
    attempts();
    // A thread that begins now stands behind it too.
    thread::scope(|scope| scope.spawn(attempts).join().unwrap());
}

#[test]
fn other_programs_files_and_processes_are_out_of_reach() {
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("old"), "x").unwrap();
    let name = format!("snapfunc-wall-{}", process::id());
    let _with_a_file = UnixListener::bind(foreign.path().join("socket")).unwrap();
    let _peer = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let mut inside = Command::new(env::current_exe().unwrap());
    inside.args(["--ignored", "--exact", "behind_the_wall", "--nocapture"]).env(FOREIGN, foreign.path()).env(ABSTRACT, name);
    let ran = inside.output().unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && printed.contains("1 passed"), "{printed}");
    assert_eq!(fs::metadata(foreign.path().join("old")).unwrap().permissions().mode() & 0o777, 0o600);
    if printed.contains("(Landlock): not there") {
        eprintln!("not tested: this kernel has no Landlock");
    } else if has_all_of_landlock() {
        assert!(printed.contains("(Landlock): up\n"), "{printed}");
    }
}

#[test]
fn serve_stands_behind_it_and_start_does_not() {
    let app = App::new().function("f", QUEUE_OUT, "def main(req, msg):\n    msg.set('x')\n    return 'served'\n");
    let port = free_port();
    let host = Host::spawn(serve(&app, port, &[]), port);
    let told = host.wait_for_line("snapfunc: second wall: system calls (seccomp): up; files (Landlock): ");
    assert!(told.ends_with(": up") || told.contains("not there: ") || !has_all_of_landlock(), "{told}");
    assert_eq!(host.get("/api/f").text(), "served");
    for task in fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
    }
    let open = App::new().function("f", HTTP, "def main(req):\n    return 'served'\n").start();
    assert!(!open.printed().contains("second wall"));
}

/// Runs something where the kernel seems to lack a system call. What is started there lacks it too.
fn without<T: Send>(call: libc::c_long, run: impl FnOnce() -> T + Send) -> T {
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new([(call, Vec::new())].into(), SeccompAction::Allow, missing, env::consts::ARCH.try_into().unwrap());
    let program = seccompiler::BpfProgram::try_from(filter.unwrap()).unwrap();
    let walled = || {
        seccompiler::apply_filter(&program).unwrap();
        run()
    };
    thread::scope(|scope| scope.spawn(walled).join().unwrap())
}

fn serve(app: &App, port: u16, arguments: &[&str]) -> Command {
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["serve", "--logs", "text", "--port", &port.to_string()]).args(arguments).current_dir(app.path());
    command
}

#[test]
fn serve_can_require_the_whole_of_it() {
    let app = App::new().function("f", HTTP, "def main(req):\n    return 'served'\n");
    let port = free_port();
    let lacking =
        [(libc::SYS_landlock_create_ruleset, "files (Landlock): not there: "), (libc::SYS_seccomp, "system calls (seccomp): not there: ")];
    for (call, gap) in lacking {
        let ended = without(call, || run_to_end(serve(&app, port, &["--require-wall"])));
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success() && told.contains("nothing is served, as --require-wall asks for the whole second wall: "),
            "{told}"
        );
        assert!(told.contains(gap), "{told}");
        // Unless it is asked for, a warning is all.
        let host = without(call, || Host::spawn(serve(&app, port, &[]), port));
        assert!(host.wait_for_line("second wall: ").contains(gap), "{}", host.printed());
        assert_eq!(host.get("/api/f").text(), "served");
    }
    let stands = Host::spawn(serve(&app, port, &[]), port).wait_for_line("second wall: ").ends_with("(seccomp): up; files (Landlock): up");
    if stands {
        let host = Host::spawn(serve(&app, port, &["--require-wall"]), port);
        assert_eq!(host.get("/api/f").text(), "served");
    } else {
        assert!(!run_to_end(serve(&app, port, &["--require-wall"])).status.success());
    }
    let ended = run_to_end(serve(&app, port, &["--require-wall", "--no-wall"]));
    assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
}
