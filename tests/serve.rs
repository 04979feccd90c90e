//! `snapfunc serve`: for production.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host, free_port, run_to_end, snapfunc};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

#[test]
fn it_asks_for_keys_has_no_page_and_does_not_watch() {
    let http = r#"[{"type": "httpTrigger", "name": "req"}, {"type": "http", "name": "$return"}]"#;
    let app = App::with("def main(req):\n    return 'old'\n").function("guarded", http, "def main(req):\n    return 'secret'\n");
    let port = free_port();
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["serve", "--port", &port.to_string()]).arg(app.path());
    let host = Host::spawn(command, port);
    for line in host.lines() {
        serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|_| panic!("{line}"));
    }
    assert_eq!((host.get("/").status, host.get("/api/f").text(), host.get("/api/guarded").status), (204, "old", 401));
    assert_eq!(host.get("/admin/host/status").status, 401);
    fs::write(app.path().join("f/__init__.py"), "def main(req):\n    return 'new'\n").unwrap();
    thread::sleep(Duration::from_millis(800));
    assert_eq!(host.get("/api/f").text(), "old");
}

/// Tells when it was imported, and where it was then and is now.
const WHERE: &str = "import os, uuid\nname = 'AZURE_FUNCTIONS_ENVIRONMENT'\nmade, at_import = uuid.uuid4(), os.environ[name]\n\ndef main(req):\n    \
                     return f'{made} {at_import} {os.environ[name]}'\n";

fn answer(app: &App, what: &Path, command: &str, environment: &[(&str, &str)]) -> (String, String) {
    let port = free_port();
    let mut program = snapfunc(&[&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())], environment].concat());
    program.args([command, "--port", &port.to_string()]).arg(what);
    let answer = Host::spawn(program, port).get("/api/f");
    let (made, places) = answer.text().split_once(' ').unwrap();
    (made.to_owned(), places.to_owned())
}

#[test]
fn apps_are_told_that_it_is_production() {
    let app = App::with(WHERE);
    let start = || app.start().get("/api/f").text().split_once(' ').unwrap().1.to_owned();
    let serve = |environment: &[(&str, &str)]| answer(&app, app.path(), "serve", environment);
    assert_eq!(start(), "Development Development");
    let first = serve(&[]);
    assert_eq!(first.1, "Production Production");
    assert_eq!(serve(&[]), first, "it was imported again");
    assert_eq!(serve(&[("AZURE_FUNCTIONS_ENVIRONMENT", "Staging")]).1, "Staging Staging");
    assert_eq!(start(), "Development Development");
}

#[test]
fn a_bundle_is_told_so_too() {
    let app = App::with(WHERE);
    let file = app.data().join("app.snap");
    let mut build = snapfunc(&[]);
    build.arg("build").arg(app.path()).arg("-o").arg(&file);
    assert!(run_to_end(build).status.success());
    let developed = answer(&app, &file, "start", &[]);
    assert_eq!(developed.1, "Development Development");
    let served = answer(&app, &file, "serve", &[]);
    assert_eq!(served.1, "Production Production");
    assert_eq!((answer(&app, &file, "start", &[]), answer(&app, &file, "serve", &[])), (developed, served), "it was imported again");
}

#[test]
fn logs_can_be_text() {
    let app = App::with(
        "def main(req):
    return 'ok'
",
    );
    let port = free_port();
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["serve", "--logs", "text", "--port", &port.to_string()]).arg(app.path());
    let host = Host::spawn(command, port);
    assert_eq!(host.get("/api/f").status, 200);
    assert!(host.wait_for_line("Executed").starts_with("Executed 'Functions.f' (Succeeded, Id="));
}
