//! Keys: who may call what.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::wait_for;
use common::{App, Host, run_to_end, snapfunc};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;

const CODE: &str = "def main(req):\n    return req.params.get('code', 'no code')\n";

fn app() -> App {
    let level =
        |level: &str| json!([{"type": "httpTrigger", "name": "req", "authLevel": level}, {"type": "http", "name": "$return"}]).to_string();
    App::new()
        .function("open", &level("anonymous"), CODE)
        .function("guarded", &level("function"), CODE)
        .function("other", &level("FUNCTION"), CODE)
        .function("locked", &level("admin"), CODE)
}

fn keys(app: &App, arguments: &[&str]) -> Output {
    let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
    command.args(["keys", "--app"]).arg(app.path()).args(arguments);
    run_to_end(command)
}

fn listed(app: &App, arguments: &[&str]) -> Value {
    let output = keys(app, &[&["list", "--json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn status(host: &Host, path: &str, key: Option<&str>) -> u16 {
    let headers: Vec<_> = key.map(|key| ("x-functions-key", key)).into_iter().collect();
    host.request("GET", path, &headers, "").status
}

#[test]
fn levels_open_for_their_keys() {
    let app = app();
    let host = app.start_with(&["--enable-auth"], &[]);
    let host_keys = listed(&app, &[]);
    let (master, default) = (host_keys["master"].as_str().unwrap(), host_keys["default"].as_str().unwrap());
    let own = listed(&app, &["--function", "guarded"]);
    let own = own["default"].as_str().unwrap();
    for (key, open, guarded, other, locked) in [
        (None, 200, 401, 401, 401),
        (Some(""), 200, 401, 401, 401),
        (Some("wrong"), 200, 401, 401, 401),
        (Some(own), 200, 200, 401, 401),
        (Some(default), 200, 200, 200, 401),
        (Some(master), 200, 200, 200, 200),
    ] {
        let statuses = ["open", "guarded", "other", "locked"].map(|name| status(&host, &format!("/api/{name}"), key));
        assert_eq!(statuses, [open, guarded, other, locked], "{key:?}");
    }
    // The query serves too; a header wins over it, also an empty one. The function sees `code`.
    assert_eq!(host.get(&format!("/api/guarded?code={default}")).text(), default);
    assert_eq!(status(&host, &format!("/api/guarded?code={default}"), Some("wrong")), 401);
    assert_eq!(status(&host, &format!("/api/guarded?code={default}"), Some("")), 401);
    assert_eq!(host.get("/api/guarded?code=").status, 401);
    // As ASP.NET Core reads queries.
    assert_eq!(host.get(&format!("/api/guarded?Code={default}")).status, 200);
    assert_eq!((host.get("/api/none").status, host.get("/").status), (404, 200));
    host.wait_for_line(
        "snapfunc: keys are asked for: `snapfunc keys list --app APP` shows them, with `--function NAME` those of one function",
    );
    for secret in [master, default, own] {
        assert!(!host.printed().contains(secret), "a key was printed");
    }
}

/// The rows of the table in docs/compatibility.md: a key's name, and the statuses that it gets.
fn documented() -> Vec<(String, Vec<u16>)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| key |")).skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        (cells.next().unwrap().to_owned(), cells.map(|status| status.parse().unwrap()).collect())
    })
    .collect()
}

#[test]
fn each_key_opens_what_the_documentation_says() {
    let app = app();
    let text = |key: &Value| key.as_str().unwrap().to_owned();
    let own = ["guarded", "locked", "open", "other"].map(|name| (name, text(&listed(&app, &["--function", name])["default"])));
    let own = |name: &str| own.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let host = app.start_with(&["--enable-auth"], &[]);
    let host_keys = listed(&app, &[]);
    let (master, default) = (text(&host_keys["master"]), text(&host_keys["default"]));
    let made = host.request("POST", "/admin/host/systemkeys/extension", &[("x-functions-key", &master)], "").json();
    let system = text(&made["value"]);
    let paths = ["/api/open", "/api/guarded", "/api/locked", "/admin/host/status"];
    let table = documented();
    let names: Vec<_> = table.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["none", "an empty one", "a wrong one", "the function's own", "another function's", "a system key", "a host key", "the master key"]
    );
    for (name, expected) in &table {
        let key = |path: &str| match name.as_str() {
            "none" => None,
            "an empty one" => Some(String::new()),
            "a wrong one" => Some("wrong".to_owned()),
            "the function's own" => Some(own(path.strip_prefix("/api/").unwrap_or("guarded"))),
            "another function's" => Some(own("other")),
            "a system key" => Some(system.clone()),
            "a host key" => Some(default.clone()),
            _ => Some(master.clone()),
        };
        let by_header = paths.map(|path| status(&host, path, key(path).as_deref()));
        let by_query = paths.map(|path| host.get(&key(path).map_or_else(|| path.to_owned(), |key| format!("{path}?code={key}"))).status);
        assert_eq!((by_header.as_slice(), by_query.as_slice()), (expected.as_slice(), expected.as_slice()), "{name}");
    }
}

#[test]
fn without_enable_auth_nobody_is_asked() {
    let host = app().start();
    assert_eq!(["open", "guarded", "locked"].map(|name| host.get(&format!("/api/{name}")).status), [200; 3]);
}

#[test]
fn a_running_host_takes_over_what_changes() {
    let app = app();
    let host = app.start_with(&["--enableAuth"], &[]);
    let before = listed(&app, &[])["default"].as_str().unwrap().to_owned();
    assert_eq!(status(&host, "/api/guarded", Some(&before)), 200);
    let output = keys(&app, &["rotate", "default"]);
    let after = String::from_utf8(output.stdout).unwrap().trim().split_once('\t').unwrap().1.to_owned();
    wait_for("the new key", || (status(&host, "/api/guarded", Some(&after)) == 200).then_some(()));
    assert_eq!(status(&host, "/api/guarded", Some(&before)), 401);
    assert!(keys(&app, &["set", "mine", "chosen", "--function", "guarded"]).status.success());
    wait_for("the set key", || (status(&host, "/api/guarded", Some("chosen")) == 200).then_some(()));
    assert_eq!(status(&host, "/api/other", Some("chosen")), 401);
    assert!(keys(&app, &["delete", "mine", "--function", "guarded"]).status.success());
    wait_for("the key to be gone", || (status(&host, "/api/guarded", Some("chosen")) == 401).then_some(()));
}

#[test]
fn mistakes_get_a_sentence() {
    let app = app();
    for (arguments, said) in [
        (&["rotate", "none"][..], "there is no key none: `snapfunc keys set none` makes one"),
        (&["delete", "master"], "the master key can't be deleted: rotate it"),
        (&["set", "a b"], "\"a b\" is no name of a key"),
        (&["--function", "host", "set", "a"], "\"host\" is no name of a function"),
        (&["--function", "../x", "set", "a"], "\"../x\" is no name of a function"),
    ] {
        let output = keys(&app, arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said) && text.lines().count() == 1, "{text}");
    }
}
