//! Stopping: what is under way is answered first.

mod common;

use common::{App, Host};
use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

const SLOW: &str = "import time\ndef main(req):\n    time.sleep(2)\n    return 'slept'\n";

#[test]
fn a_request_under_way_is_answered_before_the_host_ends() {
    for signal in ["TERM", "INT"] {
        let mut host = App::with(SLOW).start();
        let answer = thread::scope(|scope| {
            let request = scope.spawn(|| host.get("/api/f"));
            thread::sleep(Duration::from_millis(500));
            host.signal(signal);
            request.join().unwrap()
        });
        assert_eq!((answer.status, answer.text()), (200, "slept"));
        assert_eq!(host.wait().code(), Some(0), "{signal}: {}", host.printed());
    }
}

/// It was accepted, though nobody waits for it.
#[test]
fn what_runs_by_hand_ends_before_the_host_does() {
    let mut host = App::with("import logging, time\ndef main(req):\n    logging.info('begun')\n    time.sleep(1)\n    logging.info('at the end')\n    return ''\n").start();
    assert_eq!(host.post("/admin/functions/f", "{}").status, 202);
    host.wait_for_line("begun");
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
    host.wait_for_line("at the end");
}

#[test]
fn an_idle_host_ends_at_once_and_says_so() {
    let mut host = App::with(SLOW).start();
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
    host.wait_for_line("snapfunc: stopped");
}

#[test]
fn under_load_every_accepted_request_is_answered() {
    let mut host = App::with("import time\ndef main(req):\n    time.sleep(0.05)\n    return 'ok'\n").start();
    let (answers, resets) = thread::scope(|scope| {
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| until_refused(&host))).collect();
        thread::sleep(Duration::from_millis(800));
        host.signal("TERM");
        clients.into_iter().map(|client| client.join().unwrap()).fold((Vec::new(), 0), |(mut all, resets), (answers, more)| {
            all.extend(answers);
            (all, resets + more)
        })
    });
    assert!(answers.len() >= 8, "{answers:?}");
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    // A connection that comes in the instant in which the port closes is reset by the kernel; more would be requests that were dropped.
    assert!(resets <= 1, "{resets} connections were reset");
    assert_eq!(host.wait().code(), Some(0));
}

/// Asks again and again until nobody listens. Gives the statuses, and how many connections were reset.
fn until_refused(host: &Host) -> (Vec<u16>, usize) {
    let mut answers = Vec::new();
    loop {
        match host.try_request("GET", "/api/f", &[], b"") {
            Ok(answer) => answers.push(answer.status),
            Err(ureq::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => return (answers, 0),
            Err(ureq::Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset => return (answers, 1),
            Err(error) => panic!("{error:?} after {} answers:\n{}", answers.len(), host.printed()),
        }
    }
}
