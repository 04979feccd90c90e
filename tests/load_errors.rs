//! What is wrong with an app or one of its functions: told at start with place and reason; what is right runs.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP, Host};
use std::net::TcpListener;

const OK: &str = "def main(req):\n    return 'ok'\n";

/// Starts an app with one good function beside what is wrong.
fn start(app: App) -> Host {
    app.function("good", HTTP, OK).start()
}

/// What every broken function shows: the lines on the console at start, 500, and the same lines again.
fn assert_broken(host: &Host, expected: &[&str]) {
    for line in expected {
        host.wait_for_line(line);
    }
    host.wait_for_line("snapfunc: the function bad could not be loaded");
    host.wait_for_line("/api/bad (broken)");
    let mark = host.mark();
    let answer = host.get("/api/bad");
    assert_eq!((answer.status, answer.text()), (500, ""));
    assert_eq!(host.get("/api/good").text(), "ok");
    let again = host.lines_until(mark, "(Succeeded, ").join("\n");
    for line in expected {
        assert!(again.contains(line), "{line:?} is not told again:\n{again}");
    }
}

#[test]
fn a_syntax_error_is_told_with_its_traceback() {
    let host = start(App::new().function("bad", HTTP, "import json\n\ndef main(req)\n    return 'x'\n"));
    assert_broken(
        &host,
        &["Result: Failure", "Exception: SyntaxError: expected ':' (__init__.py, line 3)", "/home/site/wwwroot/bad/__init__.py\", line 3"],
    );
}

#[test]
fn a_missing_module_is_told_with_what_to_do() {
    let host = start(App::new().function("bad", HTTP, "import azure.functions\nimport no_such_module\ndef main(req): pass\n"));
    let advice = "Exception: ModuleNotFoundError: No module named 'no_such_module'. Cannot find module. Please check the requirements.txt file for the missing \
                  module. For more info, please refer the troubleshooting guide: https://aka.ms/functions-modulenotfound. Current sys.path: ['/home/site/wwwroot'";
    assert_broken(&host, &[advice, "/home/site/wwwroot/bad/__init__.py\", line 2, in <module>"]);
}

#[test]
fn an_exception_at_import_is_told() {
    for (code, exception) in [
        ("raise ValueError('at import')", "Exception: ValueError: at import"),
        ("import sys\nsys.exit(2)", "Exception: SystemExit: 2"),
        ("import os\nos.environ['MISSING']", "Exception: KeyError: 'MISSING'"),
        ("open('/etc/passwd')", "Exception: FileNotFoundError: "),
        ("def f(): f()\nf()", "Exception: RecursionError: "),
    ] {
        assert_broken(&start(App::new().function("bad", HTTP, code)), &[exception]);
    }
}

#[test]
fn parameters_and_bindings_must_agree() {
    for (code, sentence) in [
        ("def main(req, other): pass", "the following parameters are declared in Python but not in function.json: {'other'}"),
        ("def main(): pass", "the following parameters are declared in function.json but not in Python: {'req'}"),
        ("def other(req): pass", "function main() is not present in /home/site/wwwroot/bad/__init__.py"),
        ("main = 1", "function main() is not present in /home/site/wwwroot/bad/__init__.py"),
        ("def main(req: int): pass", "req"),
    ] {
        assert_broken(
            &start(App::new().function("bad", HTTP, code)),
            &[sentence, "Exception: FunctionLoadError: cannot load the bad function"],
        );
    }
}

#[test]
fn a_wrong_function_json_names_file_line_and_field() {
    for (content, sentence) in [
        ("{\n  \"bindings\": [\n    {\"type\" \"httpTrigger\"}\n  ]\n}", "bad/function.json:3"),
        ("{\n  \"bindings\": []\n}", "bad/function.json"),
        (
            "{\n  \"bindings\": [\n    {\"type\": \"httpTrigger\",\n     \"name\": \"req\",\n     \"methods\": \"g t\"}]\n}",
            "bad/function.json:5",
        ),
        (
            "{\n  \"bindings\": [\n    {\"type\": \"httpTrigger\",\n     \"name\": \"req\",\n     \"authLevel\": \"user\"}]\n}",
            "bad/function.json:5",
        ),
        ("[]", "bad/function.json:1"),
        ("", "bad/function.json"),
        ("{\"bindings\": [{\"type\": \"http\", \"name\": \"res\", \"direction\": \"out\"}]}", "bad/function.json"),
    ] {
        let app = App::new().file("bad/function.json", content).file("bad/__init__.py", OK);
        let host = start(app);
        host.wait_for_line("snapfunc: the function bad could not be loaded");
        let line = host.wait_for_line(sentence);
        assert!(line.starts_with("Exception: FunctionLoadError: "), "{line}");
        assert_eq!(host.get("/api/good").text(), "ok");
    }
}

#[test]
fn a_direction_that_a_binding_does_not_have_is_told() {
    for (binding, sentence) in [
        (
            r#"{"type": "blob", "name": "x", "path": "box/x", "direction": "inout"}"#,
            "must be in or out for the type blob: \"inout\" bindings are not supported",
        ),
        (r#"{"type": "queue", "name": "x", "queueName": "some", "direction": "in"}"#, "must be out for the type queue"),
    ] {
        let bindings = HTTP.replace(']', &format!(", {binding}]"));
        let host = start(App::new().function("bad", &bindings, "def main(req, x): pass\n"));
        assert_broken(&host, &[&format!("Exception: FunctionLoadError: bad/function.json:1: `x.direction` {sentence}")]);
    }
}

#[test]
fn names_of_parameters_may_be_all_that_python_takes() {
    let function = |name: &str| {
        let bindings = HTTP.replace("\"req\"", &format!("\"{name}\""));
        (bindings, format!("def main({name}):\n    return {name}.params['x']\n"))
    };
    let names = ["req_snake_case", "_", "_req", "req_", "__", "__main__", "__9req__snake__sna_ke_"];
    let app = names.iter().enumerate().fold(App::new(), |app, (index, name)| {
        let (bindings, code) = function(name);
        app.function(&format!("f{index}"), &bindings, &code)
    });
    let (bindings, _) = function("not-a-name");
    let host = app.function("bad", &bindings, OK).start();
    for (index, name) in names.iter().enumerate() {
        assert_eq!(host.get(&format!("/api/f{index}?x=y")).text(), "y", "{name}");
    }
    host.wait_for_line("bad/function.json:1: `bindings[0].name` must be a Python identifier or `$return`, not \"not-a-name\"");
}

#[test]
fn a_script_that_is_not_there_is_named() {
    let app = App::new().file("bad/function.json", format!("{{\"scriptFile\": \"../shared/run.py\", \"bindings\": {HTTP}}}"));
    let host = start(app);
    host.wait_for_line("shared/run.py");
    assert_eq!(host.get("/api/good").text(), "ok");
}

#[test]
fn comments_and_trailing_commas_are_no_errors() {
    let content = "// a function\n{\n  \"bindings\": [ /* two */\n    {\"type\": \"httpTrigger\", \"name\": \"req\",},\n    {\"type\": \"http\", \"name\": \"$return\", \"direction\": \"out\"},\n  ],\n}\n";
    let host = App::new().file("f/function.json", content).file("f/__init__.py", OK).start();
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn bindings_of_other_types_are_told_apart() {
    let trigger = |kind: &str| format!("[{{\"type\": \"{kind}\", \"name\": \"thing\", \"connection\": \"Somewhere\"}}]");
    let output = HTTP.replace("[{", "[{\"type\": \"cosmosDB\", \"direction\": \"out\", \"name\": \"doc\"}, {");
    let host = ["eventHubTrigger", "serviceBusTrigger", "cosmosDBTrigger", "orchestrationTrigger"]
        .iter()
        .fold(App::new(), |app, kind| app.function(kind, &trigger(kind), "def main(thing): pass"))
        .function("stores", &output, "def main(req, doc): pass")
        .function("good", HTTP, OK)
        .start();
    for kind in ["eventHubTrigger", "serviceBusTrigger", "cosmosDBTrigger", "orchestrationTrigger"] {
        host.wait_for_line(&format!("snapfunc: the function {kind} could not be loaded"));
        host.wait_for_line(&format!("{kind}/function.json:1: `thing.type` "));
    }
    host.wait_for_line("stores/function.json:1: `doc.type` ");
    assert_eq!((host.get("/api/stores").status, host.get("/api/good").text()), (500, "ok"));
}

#[test]
fn connections_by_identity_are_told_with_their_setting() {
    let trigger = r#"[{"type": "queueTrigger", "name": "msg", "queueName": "orders"}]"#;
    let app = App::new().function("take", trigger, "def main(msg): pass").function("good", HTTP, OK);
    let host = app.start_with(&[], &[("AzureWebJobsStorage__accountName", "ours")]);
    host.wait_for_line("is identity-based (setting AzureWebJobsStorage__accountName), which this host can't do: set AzureWebJobsStorage to a connection string");
    assert_eq!(host.get("/api/good").text(), "ok");
}

#[test]
fn a_connection_string_in_place_of_a_settings_name_is_told_without_its_key() {
    let string = "DefaultEndpointsProtocol=https;AccountName=ours;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net";
    let trigger = format!(r#"[{{"type": "queueTrigger", "name": "msg", "queueName": "orders", "connection": "{string}"}}]"#);
    let host = App::new().function("take", &trigger, "def main(msg): pass").function("good", HTTP, OK).start();
    host.wait_for_line("`msg.connection` must be the name of an app setting, but is a connection string itself");
    assert_eq!(host.get("/api/good").text(), "ok");
    assert!(!host.printed().contains("c2VjcmV0"), "{}", host.printed());
}

/// Runs a host that can't start, and gives what it says on standard error.
fn refused(app: &App, arguments: &[&str]) -> String {
    let output = app.run_to_end(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: ") && error.trim_end().lines().count() == 1, "not one sentence: {error}");
    assert!(!error.contains("panicked") && !error.contains("Os {"), "{error}");
    error
}

#[test]
fn a_wrong_host_json_ends_the_start_with_one_sentence() {
    for (content, sentences) in [
        ("{\n  \"version\": \"2.0\",\n  \"functionTimeout\": soon\n}", ["host.json:3", ""]),
        ("{\n  \"version\": \"1.0\"\n}", ["host.json:2", "version"]),
        ("{}", ["host.json", "version"]),
        ("{\n  \"version\": \"2.0\",\n  \"functionTimeout\": \"soon\"\n}", ["host.json:3", "functionTimeout"]),
        ("{\"version\": \"2.0\", \"extensions\": {\"http\": {\"routePrefix\": [7]}}}", ["host.json:1", "routePrefix"]),
        ("{\"version\": \"2.0\", \"snapfunc\": {\"memoryMb\": \"much\"}}", ["host.json:1", "memoryMb"]),
        ("{\"version\": \"2.0\", \"functions\": \"f\"}", ["host.json:1", "functions"]),
    ] {
        let error = refused(&App::with(OK).file("host.json", content), &[]);
        assert!(sentences.iter().all(|sentence| error.contains(sentence)), "{content}: {error}");
    }
}

#[test]
fn a_wrong_local_settings_json_ends_the_start_without_its_values() {
    for content in [
        "{\n  \"Values\": {\"KEY\": \"secret\",\n }x\n",
        "{\"Values\": {\"KEY\": [\"secret\"]}}",
        "{\"IsEncrypted\": true, \"Values\": {\"KEY\": \"secret\"}}",
    ] {
        let error = refused(&App::with(OK).file("local.settings.json", content), &[]);
        assert!(error.contains("local.settings.json") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_folder_that_is_no_app_is_told() {
    let error = refused(&App::new(), &["--script-root", "/no/such/folder"]);
    assert!(error.contains("/no/such/folder"), "{error}");
    let host = App::new().file("readme.txt", "").start();
    host.wait_for_line("snapfunc: ");
    assert!(host.printed().contains("function.json"), "{}", host.printed());
    assert_eq!((host.get("/").status, host.get("/api/f").status), (200, 404));
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = refused(&App::with(OK), &["--port", &port]);
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
}
