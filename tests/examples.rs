//! The apps of `examples/`: each does what its README.md says.

mod common;

use common::{Answer, Host, example};
use serde_json::json;
use std::fs;
use std::path::Path;

const PLAIN: &str = "text/plain; charset=utf-8";

/// Starts an example; all of its functions must load.
fn start(name: &str) -> Host {
    start_with(name, &[])
}

fn start_with(name: &str, environment: &[(&str, &str)]) -> Host {
    let host = Host::start(&example(name), &[], environment);
    host.wait_for_line("snapfunc: serving");
    assert!(!host.printed().contains("could not be loaded"), "{}", host.printed());
    host
}

#[track_caller]
fn assert_text(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text()), (status, text));
}

/// The lines that a request causes, without the one that tells how its invocation ended.
fn logged(host: &Host, path: &str, function: &str) -> Vec<String> {
    let mark = host.mark();
    host.get(path);
    let end = format!("Executed 'Functions.{function}'");
    host.lines_since(mark).into_iter().take_while(|line| !line.starts_with(&end)).collect()
}

#[test]
fn hello_greets_the_user_or_the_world() {
    let host = start("hello");
    let answer = host.get("/api/hello?user=Ada");
    assert_text(&answer, 200, "Hello, Ada!");
    assert_eq!(answer.header("content-type"), Some(PLAIN));
    assert_text(&host.get("/api/hello?user=Zo%C3%AB+B"), 200, "Hello, Zoë B!");
    for path in ["/api/hello", "/api/hello?user="] {
        assert_text(&host.get(path), 200, "Hello, world!");
    }
    assert_text(&host.post("/api/hello?user=Ada", "ignored"), 200, "Hello, Ada!");
}

#[test]
fn typed_hello_does_the_same() {
    let host = start("typed-hello");
    assert_text(&host.get("/api/hello?user=Ada"), 200, "Hello, Ada!");
    assert_text(&host.get("/api/hello"), 200, "Hello, world!");
    assert_eq!(host.post("/api/hello", "").status, 404);
}

#[test]
fn v2_hello_declares_its_functions_in_code() {
    let host = start("v2-hello");
    assert_text(&host.get("/api/hello"), 200, "Hello, world!");
    assert_text(&host.get("/api/hello/Ada"), 200, "Hello, Ada!");
    assert_eq!(host.post("/api/hello", "x").status, 404);
    let answer = host.post("/api/sums", "[1, 2, 3.5]");
    assert_eq!((answer.status, answer.header("content-type"), answer.text()), (200, Some("application/json"), r#"{"sum": 6.5}"#));
    host.wait_for_line("add: 6.5");
    assert_text(&host.post("/api/sums", "{}]"), 400, "A JSON list of numbers, please.");
    assert_eq!(host.get("/api/add").status, 404);
}

#[test]
fn v2_blueprint_finds_functions_in_all_files() {
    let host = start("v2-blueprint");
    assert_text(&host.get("/api/books"), 200, "Middlemarch\nEmma");
    assert_text(&host.get("/api/books/2"), 200, "Emma");
    assert_text(&host.get("/api/books/3"), 404, "We don't have that.");
    assert_eq!(host.get("/api/books/two").status, 404);
    assert_text(&host.get("/api/readers/Ada"), 200, "Welcome, Ada! (greet_reader)");
    assert_text(&host.get("/api/opening_hours"), 200, "9 to 5");
}

#[test]
fn entry_point_runs_what_function_json_names() {
    let host = start("entry-point");
    assert_text(&host.get("/api/custom"), 200, "customentry() of custom/main.py");
    assert_text(&host.get("/api/morning"), 200, "Good morning!");
    assert_text(&host.get("/api/evening"), 200, "Good evening!");
    assert_eq!(host.get("/api/scripts").status, 404);
}

#[test]
fn shared_code_is_imported_in_every_way() {
    let host = start("shared-code");
    assert_text(&host.get("/api/price?item=tea"), 200, "4.20 € with tax");
    assert_text(&host.get("/api/price?item=coffee"), 200, "5.04 € with tax");
    assert_text(&host.get("/api/price?item=milk"), 404, "We don't have that.");
    assert_text(&host.get("/api/total"), 200, "One of each: 7.70 €");
    assert_text(&host.get("/api/menu"), 200, "coffee\ntea");
    assert_eq!(host.get("/api/SharedCode").status, 404);
}

#[test]
fn logging_shows_what_host_json_lets_through() {
    let host = start("logging");
    let levels = ["info", "warning", "error", "critical", "a logger with a name", "print", "print to stderr"];
    let with_debug: Vec<_> = ["debug"].into_iter().chain(levels).collect();
    for (function, expected) in [("levels", &levels[..]), ("talkative", &with_debug), ("quiet", &levels[1..4])] {
        let expected: Vec<_> = expected.iter().map(|text| format!("{function}: {text}")).collect();
        assert_eq!(logged(&host, &format!("/api/{function}"), function), expected);
    }
    assert_text(&host.get("/api/levels"), 200, "The console has the lines.");
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
}

#[test]
fn logging_has_the_traceback_of_a_caught_error() {
    let host = start("logging");
    assert_text(&host.get("/api/divide"), 200, "10");
    assert_text(&host.get("/api/divide?by=3"), 200, "3");
    let mark = host.mark();
    assert_text(&host.get("/api/divide?by=0"), 400, "Not by zero, please.");
    let lines = host.lines_since(mark);
    let first = lines.iter().position(|line| line == "This can't be divided:").unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(lines[first + 1], "Traceback (most recent call last):");
    assert!(lines[first + 2].starts_with("  File \"/home/site/wwwroot/divide/__init__.py\", line "), "{lines:#?}");
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
}

#[test]
fn logging_tells_why_an_invocation_failed() {
    let host = start("logging");
    let lines = logged(&host, "/api/divide?by=x", "divide");
    assert_eq!(lines[0], "Result: Failure");
    assert_eq!(lines[1], "Exception: ValueError: invalid literal for int() with base 10: 'x'");
    assert!(lines[2].starts_with("Stack: Traceback (most recent call last):"), "{lines:#?}");
    assert!(host.wait_for_line("Executed 'Functions.divide'").contains("Failed"));
    assert_text(&host.get("/api/divide?by=x"), 500, "");
    assert_text(&host.get("/api/divide?by=5"), 200, "2");
}

#[test]
fn http_template_takes_the_name_from_query_or_body() {
    let host = start("http-template");
    let advice = "Please pass a name on the query string or in the request body";
    let path = "/api/HttpTrigger";
    let json = [("content-type", "application/json")];
    let answers = [
        (host.get("/api/HttpTrigger?name=Ada"), 200, "Hello Ada!"),
        (host.get("/api/httptrigger?name=Ada"), 200, "Hello Ada!"),
        (host.request("POST", path, &json, r#"{"name": "Ada"}"#), 200, "Hello Ada!"),
        (host.post(path, r#"{"name": "Ada"}"#), 200, "Hello Ada!"),
        (host.post("/api/HttpTrigger?name=Grace", r#"{"name": "Ada"}"#), 200, "Hello Grace!"),
        (host.get(path), 400, advice),
        (host.get("/api/HttpTrigger?name="), 400, advice),
        (host.post(path, ""), 400, advice),
        (host.post(path, "no JSON"), 400, advice),
        (host.post(path, "{}"), 400, advice),
        (host.post(path, "[1]"), 400, advice),
    ];
    for (answer, status, text) in answers {
        assert_text(&answer, status, text);
        assert_eq!(answer.header("my-http-header"), Some("some-value"));
        assert_eq!(answer.header("content-type"), Some(PLAIN));
    }
    assert_eq!(host.request("PUT", path, &[], "x").status, 404);
    assert_eq!(host.request("HEAD", "/api/HttpTrigger?name=Ada", &[], "").status, 404);
}

#[test]
fn async_functions_wait_for_several_things_at_once() {
    let host = start("async");
    let answer = host.get("/api/gather");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json(), json!({"asked": ["coffee", "tea"], "finished": ["tea", "coffee"]}));
    let digest = "99a563ab2f6e21e96998f9fddd2a2bab82b70ac019579502b8d7fc0032ff62bb";
    assert_text(&host.get("/api/executor?text=Ada"), 200, digest);
}

#[test]
fn context_names_the_invocation_and_the_function() {
    let host = start("context");
    let answer = host.get("/api/whoami");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let first = answer.json();
    assert_eq!(first["function_name"], "whoami");
    assert_eq!(first["function_directory"], "/home/site/wwwroot/whoami");
    assert_eq!(first["trace_state"], "");
    let id = first["invocation_id"].as_str().unwrap();
    let groups: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
    host.wait_for_line(id);
    let second = host.get("/api/whoami").json();
    assert_ne!(first["invocation_id"], second["invocation_id"]);
    assert_ne!(first["trace_parent"], second["trace_parent"]);
}

#[test]
fn context_goes_on_with_the_callers_trace() {
    let host = start("context");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let about = host.request("GET", "/api/whoami", &[("traceparent", parent), ("tracestate", "vendor=1")], "").json();
    let own = about["trace_parent"].as_str().unwrap();
    assert!(own.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && own.ends_with("-01") && own != parent, "{own}");
    assert_eq!(about["trace_state"], "vendor=1");
}

#[test]
fn global_cache_is_filled_once() {
    let host = start("global-cache");
    let expected = [("Peru", 200, "Lima", "miss"), ("Ghana", 200, "Accra", "hit"), ("Utopia", 404, "I don't know.", "hit")];
    for (country, status, text, cache) in expected {
        let answer = host.get(&format!("/api/capital?of={country}"));
        assert_text(&answer, status, text);
        assert_eq!(answer.header("x-cache"), Some(cache));
    }
    assert_text(&host.get("/api/capital"), 404, "I don't know.");
    host.wait_for_line("Loading the capitals");
    assert_eq!(host.lines().iter().filter(|line| *line == "Loading the capitals").count(), 1);
}

#[test]
fn environment_holds_the_settings_and_nothing_of_the_machine() {
    let host = start_with("environment", &[("NOT_FOR_THE_APP", "secret")]);
    assert_text(&host.get("/api/setting"), 200, "a value for development");
    host.wait_for_line("My app setting value: a value for development");
    let names = host.get("/api/names");
    let names: Vec<_> = names.text().lines().collect();
    assert!(names.contains(&"myAppSetting") && names.contains(&"FUNCTIONS_WORKER_RUNTIME"), "{names:?}");
    assert!(!names.contains(&"PATH") && !names.contains(&"NOT_FOR_THE_APP"), "{names:?}");
}

#[test]
fn environment_prefers_the_hosts_variable_to_local_settings_json() {
    let host = start_with("environment", &[("myAppSetting", "another value")]);
    assert_text(&host.get("/api/setting"), 200, "another value");
}

#[test]
fn tempfile_finds_an_empty_folder_at_each_call() {
    let host = start("tempfile");
    for _ in 0..3 {
        let answer = host.get("/api/scratch");
        assert_eq!(answer.status, 200, "{}", host.printed());
        assert_eq!(answer.json(), json!({"folder": "/tmp", "before": [], "content": "Hello world!", "during": 1, "after": 1}));
    }
}

#[test]
fn cors_headers_are_the_functions_own() {
    let host = start("cors-headers");
    let origin = Some("https://contoso.com");
    let asked = [("origin", "https://contoso.com"), ("access-control-request-method", "GET")];
    let before = host.request("OPTIONS", "/api/allowed", &asked, "");
    assert_text(&before, 204, "");
    assert_eq!(before.all("access-control-allow-origin"), ["https://contoso.com"]);
    assert_eq!(before.header("access-control-allow-methods"), Some("GET, OPTIONS"));
    assert_eq!(before.header("access-control-allow-headers"), Some("Content-Type"));
    assert_eq!(before.header("access-control-max-age"), Some("3600"));
    let answer = host.get("/api/allowed");
    assert_text(&answer, 200, "Allowed origin: https://contoso.com");
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(answer.header("access-control-allow-methods"), None);
    assert_eq!(host.post("/api/allowed", "x").status, 404);
}

#[test]
fn unit_tests_functions_run_in_the_host_too() {
    let host = start("unit-tests");
    let advice = "Please pass a name on the query string or in the request body";
    assert_text(&host.get("/api/greet?name=Ada"), 200, "Hello Ada");
    assert_text(&host.post("/api/greet", r#"{"name": "Ada"}"#), 200, "Hello Ada");
    for body in ["", "no JSON", "[]", "{}"] {
        assert_text(&host.post("/api/greet", body), 400, advice);
    }
    host.wait_for_line("Python HTTP trigger function processed a request.");
    assert_text(&host.post("/api/shout", "good morning, Zoë"), 200, "GOOD MORNING, ZOË");
    assert_eq!(host.get("/api/tests").status, 404);
}

#[test]
fn routes_give_the_function_and_its_parameters() {
    let host = start("routes");
    let order = "/orders/3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for (path, text) in [
        ("/", "Welcome to the shop."),
        ("/products/books", "All books"),
        ("/Products/books/", "All books"),
        ("/products/books/7", "Number 7 of books"),
        ("/products/books/-7", "Number -7 of books"),
        ("/products/new", "What is new"),
        ("/products/new/7", "Number 7 of new"),
        (order, "Order 3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        ("/pages", "Page 1 of 10"),
        ("/pages/10", "Page 10 of 10"),
        ("/downloads/report.pdf", "report as pdf"),
        ("/downloads/report.2024.pdf", "report.2024 as pdf"),
        ("/files", "All files"),
        ("/files/", "All files"),
        ("/files/a.txt", "The file a.txt"),
        ("/files/a/b/c.txt", "The file a/b/c.txt"),
        ("/files/a%20b.txt?x=1", "The file a b.txt"),
    ] {
        let answer = host.get(path);
        assert_eq!((answer.status, answer.text()), (200, text), "GET {path}");
    }
    assert_text(&host.request("DELETE", order, &[], ""), 204, "");
}

#[test]
fn routes_that_do_not_match_are_not_found() {
    let host = start("routes");
    let order = "/orders/3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for (method, path) in [
        ("HEAD", "/pages"),
        ("GET", "/api/pages"),
        ("GET", "/products"),
        ("GET", "/products/42"),
        ("GET", "/products/books/seven"),
        ("GET", "/products/books/7/8"),
        ("POST", "/products/books"),
        ("GET", "/orders/42"),
        ("PUT", order),
        ("GET", "/pages/0"),
        ("GET", "/pages/11"),
        ("GET", "/pages/one"),
        ("GET", "/downloads/report"),
        ("GET", "/nothing/here"),
    ] {
        let answer = host.request(method, path, &[], "");
        assert_eq!((answer.status, answer.text()), (404, ""), "{method} {path}");
    }
}

#[test]
fn out_parameters_are_the_response() {
    let host = start("out-parameters");
    let created = host.post("/api/create", "lamp");
    assert_text(&created, 201, "Created lamp.");
    assert_eq!(created.header("location"), Some("/api/things/lamp"));
    assert_eq!(created.header("content-type"), Some(PLAIN));
    assert_eq!(host.post("/api/create", "a lamp").header("location"), Some("/api/things/a%20lamp"));
    assert_text(&host.post("/api/create", ""), 400, "A name, please.");
    let echoed = host.get("/api/echo?text=hi");
    assert_text(&echoed, 200, "hi");
    assert_eq!(echoed.header("content-type"), Some(PLAIN));
    assert_text(&host.get("/api/echo"), 204, "");
}

#[test]
fn every_example_has_a_readme_that_the_list_names() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let list = fs::read_to_string(examples.join("README.md")).unwrap();
    let folders = fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.file_type().unwrap().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    // Those that tools leave behind: caches of bytecode and of tests.
    let apps: Vec<_> = folders.filter(|name| !name.starts_with(['.', '_'])).collect();
    for name in &apps {
        let readme = fs::read_to_string(examples.join(name).join("README.md")).unwrap_or_else(|error| panic!("{name}/README.md: {error}"));
        assert!(readme.starts_with("# "), "{name}/README.md has no title");
        assert!(readme.contains(&format!("make run APP=examples/{name}\n")), "{name}/README.md doesn't say how to run it");
        assert!(examples.join(name).join("host.json").is_file(), "{name} has no host.json");
        assert!(list.contains(&format!("| [{name}]({name}/) |")), "README.md doesn't name {name}");
    }
    assert_eq!(list.matches("\n| [").count(), apps.len(), "README.md names an app that is not there");
}
