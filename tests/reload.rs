//! Editing an app while it is served.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP, Host};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn answers(text: &str) -> String {
    format!("def main(req):\n    return '{text}'\n")
}

/// Asks until the answer is this one.
fn wait_for(host: &Host, path: &str, status: u16, text: &str) {
    let started = Instant::now();
    loop {
        let answer = host.get(path);
        if (answer.status, answer.text()) == (status, text) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{path} answers {answer:?}\n{}", host.printed());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn new_code_is_served_without_a_failed_request() {
    let app = App::with(&answers("old"));
    let host = app.start();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let answer = host.get("/api/f");
                        assert_eq!(answer.status, 200, "{}", host.printed());
                        seen.push(answer.text().to_owned());
                    }
                    seen
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(200));
        fs::write(app.path().join("f/__init__.py"), answers("new")).unwrap();
        wait_for(&host, "/api/f", 200, "new");
        done.store(true, Ordering::Relaxed);
        for client in clients {
            let seen = client.join().unwrap();
            let first_new = seen.iter().position(|text| text == "new").unwrap_or(seen.len());
            assert!(seen[..first_new].iter().all(|text| text == "old") && seen[first_new..].iter().all(|text| text == "new"), "{seen:?}");
        }
    });
    host.wait_for_line("snapfunc: the app has changed: its new code is served");
}

#[test]
fn an_error_keeps_the_old_code_serving_and_is_told() {
    let app = App::with(&answers("old"));
    let host = app.start();
    fs::write(app.path().join("f/__init__.py"), "def main(req)\n    return 'x'\n").unwrap();
    host.wait_for_line("Exception: SyntaxError: expected ':'");
    host.wait_for_line("snapfunc: the app has changed, but the one before is served on: f can't be loaded any more");
    assert_eq!(host.get("/api/f").text(), "old");
    fs::write(app.path().join("host.json"), "{").unwrap();
    host.wait_for_line("the one before is served on: the app in");
    assert_eq!(host.get("/api/f").text(), "old");
    fs::remove_file(app.path().join("host.json")).unwrap();
    fs::write(app.path().join("f/__init__.py"), answers("mended")).unwrap();
    wait_for(&host, "/api/f", 200, "mended");
}

#[test]
fn functions_come_and_go_and_change_their_routes() {
    let app = App::with(&answers("f"));
    let host = app.start();
    let app = app.function("g", HTTP, &answers("g"));
    wait_for(&host, "/api/g", 200, "g");
    fs::write(
        app.path().join("f/function.json"),
        format!("{{\"bindings\": {}}}", HTTP.replace("\"req\"", "\"req\", \"route\": \"moved\"")),
    )
    .unwrap();
    wait_for(&host, "/api/moved", 200, "f");
    wait_for(&host, "/api/f", 404, "");
    fs::remove_dir_all(app.path().join("g")).unwrap();
    wait_for(&host, "/api/g", 404, "");
    assert_eq!(host.get("/api/moved").text(), "f");
}

#[test]
fn a_changed_requirements_txt_is_told_once_to_need_a_start() {
    let app = App::with("def main(req):\n    return 'old'\n");
    let host = app.start();
    let app = app.file("requirements.txt", "itsdangerous\n");
    host.wait_for_line("snapfunc: requirements.txt asks for packages that are not installed: start again to have them installed");
    let _app = app.file("f/__init__.py", "def main(req):\n    return 'new'\n");
    wait_for(&host, "/api/f", 200, "new");
    assert_eq!(host.printed().matches("asks for packages").count(), 1, "{}", host.printed());
}
