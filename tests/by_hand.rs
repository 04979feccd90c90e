//! `POST /admin/functions/NAME` runs any function.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::App;
use common::store::Store;
use serde_json::json;

fn function(app: App, name: &str, binding: serde_json::Value, body: &str) -> App {
    let parameter = binding["name"].as_str().unwrap().to_owned();
    app.function(name, &json!([binding]).to_string(), &format!("import azure.functions as func\n\ndef main({parameter}):\n    {body}\n"))
}

#[test]
fn disabled_functions_run() {
    let app = function(
        App::new(),
        "queue",
        json!({"type": "queueTrigger", "name": "msg", "queueName": "some"}),
        "print('queue', msg.get_body())",
    );
    let app = function(app, "http", json!({"type": "httpTrigger", "name": "req"}), "print('http', req.url, req.get_body())");
    let app = function(app, "other", json!({"type": "serviceBusTrigger", "name": "msg", "queueName": "some"}), "pass");
    let off = ["AzureWebJobs.queue.Disabled", "AzureWebJobs.http.Disabled", "AzureWebJobs.wrong.Disabled", "AzureWebJobs.other.Disabled"];
    let host = app
        .function("wrong", r#"[{"type": "timerTrigger", "name": "timer", "schedule": "0 0 0 1 1 *"}]"#, "import missing_module\n")
        .start_with(&[], &off.map(|name| (name, "true")));
    host.wait_for_line("queue: queueTrigger (disabled)");
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
    assert_eq!(host.get("/api/http").status, 404);
    let run = |name: &str| host.post(&format!("/admin/functions/{name}"), r#"{"input": "text"}"#).status;
    for (name, line) in [
        ("queue", "queue b'text'"),
        ("http", "http http://localhost/admin/functions/http b'text'"),
        ("wrong", "Exception: ModuleNotFoundError: No module named 'missing_module'"),
    ] {
        assert_eq!(run(name), 202);
        host.wait_for_line(line);
    }
    assert_eq!(run("other"), 404);
    assert!(host.get("/admin/functions/queue").text().contains(r#""isDisabled":true"#));
}

#[test]
fn functions_of_any_trigger_run() {
    let app = function(
        App::new(),
        "queue",
        json!({"type": "queueTrigger", "name": "msg", "queueName": "some"}),
        "print('queue', msg.get_body(), msg.id != '')",
    );
    let app = function(
        app,
        "timer",
        json!({"type": "timerTrigger", "name": "timer", "schedule": "0 0 0 1 1 *"}),
        "print('timer', timer.past_due)",
    );
    let app = function(
        app,
        "blob",
        json!({"type": "blobTrigger", "name": "blob", "path": "box/{name}"}),
        "print('blob', blob.name, blob.read())",
    );
    let app = function(app, "http", json!({"type": "httpTrigger", "name": "req"}), "print('http', req.method, req.get_body())");
    let app = function(app, "warm", json!({"type": "warmupTrigger", "name": "whatever"}), "print('warm', type(whatever).__name__)");
    let host = app.start();
    let run = |name: &str, body: &str| host.post(&format!("/admin/functions/{name}"), body).status;
    for (name, input, line) in [
        ("queue", "a message", "queue b'a message' True"),
        ("TIMER", "", "timer False"),
        ("http", "body", "http POST b'body'"),
        ("warm", "", "warm WarmUpContext"),
    ] {
        assert_eq!(run(name, &json!({"input": input}).to_string()), 202);
        host.wait_for_line(line);
    }
    Store::Embedded.put(&app, "box/thing", b"content");
    host.wait_for_line("blob box/thing b'content'");
    let mark = host.mark();
    assert_eq!(run("blob", r#"{"input": "box/thing"}"#), 202);
    host.lines_until(mark, "blob box/thing b'content'");
    assert_eq!(run("blob", r#"{"input": "box/none"}"#), 202);
    host.wait_for_line("Exception: ValueError: function blob: there is no blob box/none");
    assert_eq!((run("none", "{}"), run("queue", ""), run("queue", "[1")), (404, 400, 400));
}
