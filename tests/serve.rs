//! `snapfunc serve`: for production.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host, free_port, snapfunc};
use std::fs;
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

#[test]
fn apps_are_told_that_it_is_production() {
    let code = "import os\nname = 'AZURE_FUNCTIONS_ENVIRONMENT'\nat_import = os.environ[name]\ndef main(req):\n    return at_import + ' ' + os.environ[name]\n";
    let app = App::with(code);
    assert_eq!(app.start().get("/api/f").text(), "Development Development");
    let serve = |environment: &[(&str, &str)]| {
        let port = free_port();
        let mut command = snapfunc(&[&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())], environment].concat());
        command.args(["serve", "--port", &port.to_string()]).arg(app.path());
        Host::spawn(command, port).get("/api/f").text().to_owned()
    };
    assert_eq!(serve(&[]), "Production Production");
    assert_eq!(serve(&[("AZURE_FUNCTIONS_ENVIRONMENT", "Staging")]), "Staging Staging");
    assert_eq!(app.start().get("/api/f").text(), "Development Development");
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
