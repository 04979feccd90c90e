//! The second wall: what the process of `serve` may not do any more.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP, Host, free_port, snapfunc};
use snapfunc::wall::{self, Gates, Part};
use std::fs::{self, File};
use std::process::Command;
use std::{env, io, thread};

const QUEUE_OUT: &str = r#"[{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"},
    {"type": "queue", "direction": "out", "name": "msg", "queueName": "out"}, {"type": "http", "direction": "out", "name": "$return"}]"#;

/// Not a test of its own: the one below runs it in a process that may be walled in.
#[test]
#[ignore = "walls its own process in"]
fn behind_the_wall() {
    let own = tempfile::tempdir().unwrap();
    let wall = wall::raise(&Gates { read: vec![], write: vec![own.path().to_owned()] });
    println!("{wall}");
    assert_eq!(wall.seccomp, Part::Up);
    // A thread that begins now stands behind it too.
    let attempts = || {
        assert_eq!(Command::new("/bin/true").status().unwrap_err().raw_os_error(), Some(libc::EPERM));
        let opened = File::open("/etc/hostname").map(drop).map_err(|error| error.kind());
        let written = fs::write(own.path().join("x"), "x").map_err(|error| error.kind());
        (opened, written)
    };
    let (here, there) = (attempts(), thread::scope(|scope| scope.spawn(attempts).join().unwrap()));
    for (opened, written) in [here, there] {
        assert_eq!(written, Ok(()));
        if wall.landlock == Part::Up {
            assert_eq!(opened, Err(io::ErrorKind::PermissionDenied));
        }
    }
}

#[test]
fn other_programs_and_files_are_out_of_reach() {
    let own = env::current_exe().unwrap();
    let ran = Command::new(own).args(["--ignored", "--exact", "behind_the_wall", "--nocapture"]).output().unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && printed.contains("1 passed"), "{printed}");
    if printed.contains("(Landlock): not there") {
        eprintln!("not tested: this kernel has no Landlock");
    }
}

#[test]
fn serve_stands_behind_it_and_start_does_not() {
    let app = App::new().function("f", QUEUE_OUT, "def main(req, msg):\n    msg.set('x')\n    return 'served'\n");
    let port = free_port();
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["serve", "--logs", "text", "--port", &port.to_string()]).current_dir(app.path());
    let host = Host::spawn(command, port);
    host.wait_for_line("snapfunc: second wall: system calls (seccomp): up; files (Landlock): ");
    assert_eq!(host.get("/api/f").text(), "served");
    for task in fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
    }
    let open = App::new().function("f", HTTP, "def main(req):\n    return 'served'\n").start();
    assert!(!open.printed().contains("second wall"));
}
