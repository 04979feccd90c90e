//! Stopping: what is under way is answered first.

mod common;

use common::App;
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
    let answers = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = Vec::new();
                    // A refused connection was never accepted; anything else that fails is a request that was dropped.
                    loop {
                        match host.try_request("GET", "/api/f", &[], b"") {
                            Ok(answer) => answers.push(answer.status),
                            Err(ureq::Error::ConnectionFailed) => return answers,
                            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => return answers,
                            Err(error) => panic!("{error:?} after {} answers, the last {:?}", answers.len(), &answers[answers.len().saturating_sub(5)..]),
                        }
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(800));
        host.signal("TERM");
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.len() >= 8, "{answers:?}");
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(host.wait().code(), Some(0));
}
