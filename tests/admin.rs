//! The admin API.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, wait_for};
use common::{App, HTTP, Host};
use serde_json::{Value, json};

const HELLO: &str = "def main(req):\n    return 'hello'\n";

fn get(host: &Host, path: &str) -> Value {
    let answer = host.get(path);
    assert_eq!(answer.status, 200, "{path}");
    answer.json()
}

#[test]
fn it_tells_of_host_and_functions() {
    let app = App::with(HELLO).function("off", &HTTP.replace("\"anonymous\"", "\"anonymous\", \"route\": \"x/{id}\""), HELLO);
    let host = app.function("bad", HTTP, "import nothing_like_it\n").start_with(&[], &[("AzureWebJobs.off.Disabled", "true")]);
    let status = get(&host, "/admin/host/status");
    assert_eq!(status["state"], "Running");
    assert!(
        status["processUptime"].is_u64()
            && status["id"].as_str().unwrap().len() == 32
            && status["errors"][0].as_str().unwrap().starts_with("bad: ")
    );
    let functions = get(&host, "/admin/functions");
    let names: Vec<_> = functions.as_array().unwrap().iter().map(|function| function["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bad", "f", "off"]);
    let function = get(&host, "/admin/functions/F");
    assert_eq!(function["invoke_url_template"], host.url("/api/f"));
    assert_eq!(
        (&function["language"], &function["isDisabled"], &function["config"]["bindings"][0]["type"]),
        (&json!("python"), &json!(false), &json!("httpTrigger"))
    );
    assert_eq!(get(&host, "/admin/functions/off")["isDisabled"], true);
    assert_eq!(get(&host, "/admin/functions/f/status"), json!({"errors": []}));
    assert!(get(&host, "/admin/functions/bad/status")["errors"][0].as_str().unwrap().contains("ModuleNotFoundError"));
    assert_eq!(get(&host, "/admin/host/config")["version"], "2.0");
    for path in [
        "/admin",
        "/admin/none",
        "/admin/functions/none",
        "/admin/functions/none/status",
        "/admin/functions/none/keys",
        "/admin/host",
        "/admin/vfs/host.json",
        "/admin/extensions/x",
        "/admin/instance/assign",
    ] {
        assert_eq!(host.get(path).status, 404, "{path}");
    }
    assert_eq!(host.post("/admin/host/synctriggers", "").status, 200);
}

#[test]
fn keys_are_listed_and_changed() {
    let host = App::with(HELLO).start();
    let names = |path: &str| {
        let all = get(&host, path);
        all["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/admin/host/keys"), ["default", "_master"]);
    assert_eq!(names("/admin/host/functionkeys"), ["default", "_master"]);
    assert_eq!(names("/admin/host/systemkeys"), [""; 0]);
    assert_eq!(names("/admin/functions/f/keys"), ["default"]);
    let put = |path: &str, body: &str| host.request("PUT", path, &[], body).status;
    let delete = |path: &str| host.request("DELETE", path, &[], "").status;
    for of in ["/admin/host/functionkeys", "/admin/host/systemkeys", "/admin/functions/f/keys"] {
        let made = host.post(&format!("{of}/new"), "");
        assert_eq!((made.status, made.json()["value"].as_str().unwrap().len()), (201, 56));
        assert_eq!(put(&format!("{of}/new"), r#"{"name": "new", "value": "mine"}"#), 200);
        assert_eq!(get(&host, &format!("{of}/new"))["value"], "mine");
        assert_eq!((put(&format!("{of}/other"), r#"{"value": "x"}"#), put(&format!("{of}/other"), "{}")), (201, 400));
        assert_eq!((delete(&format!("{of}/new")), delete(&format!("{of}/new"))), (204, 404));
        assert_eq!(host.get(&format!("{of}/new")).status, 404);
    }
    let master = get(&host, "/admin/host/keys/_master")["value"].clone();
    assert_eq!(host.post("/admin/host/keys/_master", "").status, 200);
    assert_ne!(get(&host, "/admin/host/keys/_master")["value"], master);
    assert_eq!(delete("/admin/host/keys/_master"), 400);
}

/// The file of its keys would be that of all others.
#[test]
fn a_function_that_calls_itself_host_has_no_keys() {
    let code = "import azure.functions as func\napp = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n\n@app.function_name('host')\n@app.route(route='x')\ndef x(req: func.HttpRequest) -> str:\n    return ''\n";
    let host = App::new().file("function_app.py", code).start();
    let before = get(&host, "/admin/host/keys");
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(host.request(method, "/admin/functions/host/keys/mine", &[], b"").status, 404, "{method}");
    }
    std::thread::sleep(std::time::Duration::from_millis(600)); // what was read of keys a moment ago counts no more
    assert_eq!(get(&host, "/admin/host/keys"), before);
}

#[test]
fn it_wants_the_master_key_where_keys_are_asked_for() {
    let app = App::with(HELLO);
    let host = app.start_with(&["--enable-auth"], &[]);
    for path in ["/admin/host/status", "/admin/functions", "/admin/host/keys"] {
        assert_eq!(host.get(path).status, 401, "{path}");
    }
    assert_eq!((host.get("/admin/host/ping").status, host.post("/admin/host/ping?checkHealth=1", "").status), (200, 200));
    assert_eq!(host.get("/admin/warmup").status, 200);
    let key = |name: &str| {
        let mut command = common::snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
        command.args(["keys", "--app"]).arg(app.path()).args(["list", "--json"]);
        let all: Value = serde_json::from_slice(&common::run_to_end(command).stdout).unwrap();
        all[name].as_str().unwrap().to_owned()
    };
    assert_eq!(host.get(&format!("/admin/host/status?code={}", key("default"))).status, 401);
    assert_eq!(host.request("GET", "/admin/host/status", &[("x-functions-key", &key("master"))], "").status, 200);
}

#[test]
fn the_warm_up_function_runs_before_the_answer() {
    let warm = r#"[{"type": "warmupTrigger", "name": "anything"}]"#;
    let host = App::with(HELLO).function("warm", warm, "def main(anything):\n    print('warmed')\n").start();
    assert_eq!(host.get("/admin/warmup").status, 200);
    host.wait_for_line("warmed");
    assert_eq!(App::with(HELLO).start().get("/admin/warmup").status, 200);
}

#[test]
fn a_drained_host_takes_no_messages_until_it_is_resumed() {
    let trigger = r#"[{"type": "queueTrigger", "name": "msg", "queueName": "drained"}]"#;
    let app = App::with(HELLO).function("take", trigger, "def main(msg):\n    print('got', msg.get_body())\n");
    let host = app.start();
    assert_eq!(get(&host, "/admin/host/drain/status")["state"], "Disabled");
    assert_eq!(host.post("/admin/host/drain", "").status, 202);
    wait_for("the drain", || (get(&host, "/admin/host/drain/status")["state"] == "Completed").then_some(()));
    Store::Embedded.tool(&app, &["send", "drained", "later"], b"");
    std::thread::sleep(std::time::Duration::from_millis(800));
    assert_eq!(host.get("/api/f").text(), "hello");
    assert!(!host.printed().contains("got"));
    assert_eq!(host.post("/admin/host/resume", "").status, 200);
    host.wait_for_line("got b'later'");
}

#[test]
fn a_restart_loads_the_app_anew() {
    let host = App::with("import uuid, os\nos.environ.get('X')\nMADE = str(uuid.uuid4())\ndef main(req):\n    return MADE\n")
        .start_with(&["--pass-env", "X"], &[("X", "1")]);
    let before = host.get("/api/f").text().to_owned();
    assert_eq!(host.post("/admin/host/restart", "").status, 202);
    host.wait_for_line("snapfunc: the app was loaded anew");
    assert_ne!(host.get("/api/f").text(), before);
}
