//! What a function.json may say, and what errors say about it.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::app::folder::Folder;
use crate::app::settings::Settings;

const HTTP: &str = r#""bindings": [{"type": "httpTrigger", "name": "req"}]"#;

/// An app of one function `f` with this function.json and empty files.
fn app(function_json: &str, files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "f/function.json", function_json);
    for file in files {
        write(root.path(), file, "");
    }
    root
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read_with(root: &Path, settings: &Settings) -> Result<Function, String> {
    let found = discover(&Folder::open(root).unwrap(), settings, |_| true).unwrap();
    match (found.functions.into_iter().next(), found.broken.into_iter().next()) {
        (Some(function), None) => Ok(function),
        (None, Some(broken)) => Err(broken.error.to_string()),
        _ => panic!("neither a function nor a broken one"),
    }
}

fn read(function_json: &str, files: &[&str]) -> Result<Function, String> {
    read_with(app(function_json, files).path(), &Settings::default())
}

fn fields(fields: &str) -> Result<Function, String> {
    read(&format!("{{\n{HTTP},\n{fields}}}"), &["f/__init__.py"])
}

fn bindings(text: &str) -> Result<Function, String> {
    read(&format!("{{\"bindings\": [\n{text}]}}"), &["f/__init__.py"])
}

#[test]
fn reads_what_there_is_and_defaults() {
    let text = r#"{ // comment
        "bindings": [
            {"type": "queueTrigger", "name": "msg", "queueName": "in", "dataType": "binary",},
            {"Type": "Queue", "Name": "$return", "queueName": "out"},
            {"type": "blob", "name": "källa_1", "direction": "inout"},
            {"type": "blob", "name": "b"},
        ],
    }"#;
    let function = read(text, &["f/__init__.py", "f/x.py"]).unwrap();
    assert_eq!((function.name.as_str(), function.script_file.as_str(), function.entry_point.as_str()), ("f", "f/__init__.py", "main"));
    assert_eq!((function.disabled, function.retry, function.config.len()), (false, None, 1));
    let trigger = function.trigger();
    assert_eq!((trigger.direction, trigger.data_type), (Direction::In, DataType::Binary));
    assert_eq!(trigger.field("QUEUENAME"), Some(&json!("in")));
    let directions: Vec<_> = function.bindings.iter().map(|binding| (binding.name.as_str(), binding.direction)).collect();
    assert_eq!(directions, [("msg", Direction::In), ("$return", Direction::Out), ("källa_1", Direction::InOut), ("b", Direction::In)]);
    assert!(function.bindings.get("$return").unwrap().is("queue"));
    assert_eq!(trigger.error("queueName", "is bad").to_string(), "f/function.json:3: `msg.queueName` is bad");
    assert_eq!(trigger.error("connection", "is bad").to_string(), "f/function.json:3: `msg.connection` is bad");
}

#[test]
fn wrong_bindings_are_errors() {
    let trigger = r#"{"type": "httpTrigger", "name": "req"}"#;
    let cases = [
        ("", "f/function.json:1: `bindings` is empty: add a trigger, like {\"type\": \"httpTrigger\", \"name\": \"req\"}"),
        (
            "{\"type\": \"http\", \"name\": \"$return\"}",
            "f/function.json:1: `bindings` has no trigger: add one, like {\"type\": \"httpTrigger\", \"name\": \"req\"}",
        ),
        ("7", "f/function.json:2: `bindings[0]` must be an object `{…}`, not 7"),
        ("{\"name\": \"req\"}", "f/function.json:2: `bindings[0].type` is missing: add one like `httpTrigger`"),
        (
            "{\"type\": \"x\",\n\"name\": \"a-b\"}",
            "f/function.json:3: `bindings[0].name` must be a Python identifier or `$return`, not \"a-b\"",
        ),
        (
            "{\"type\": \"x\",\n\"name\": \"a\", \"direction\": \"up\"}",
            "f/function.json:3: `bindings[0].direction` must be in, out or inout, not \"up\"",
        ),
        (
            "{\"type\": \"httpTrigger\", \"name\": \"a\", \"direction\": \"out\"}",
            "f/function.json:2: `bindings[0].direction` must be in, as this is a trigger",
        ),
        (
            "{\"type\": \"x\", \"name\": \"a\", \"dataType\": 1}",
            "f/function.json:2: `bindings[0].dataType` must be string, binary or stream, not 1",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(bindings(text).unwrap_err(), message);
    }
    assert!(
        bindings(&format!("{trigger}, {{\"type\": \"TimerTRIGGER\", \"name\": \"t\"}}")).unwrap_err().contains("two triggers, req and t")
    );
    assert!(bindings(&format!("{trigger}, {{\"type\": \"http\", \"name\": \"req\"}}")).unwrap_err().contains("the name req twice"));
    assert!(read("{}", &["f/__init__.py"]).unwrap_err().starts_with("f/function.json:1: `bindings` is empty"));
    assert!(read("{\"bindings\": {}}", &["f/__init__.py"]).unwrap_err().contains("`bindings` must be a list `[…]`, not an object"));
    assert!(read("{\"bindings\"", &["f/__init__.py"]).unwrap_err().starts_with("f/function.json:1:11: "));
}

#[test]
fn finds_the_script() {
    let script = |files: &[&str]| read(&format!("{{{HTTP}}}"), files).map(|function| function.script_file);
    assert_eq!(script(&["f/only.py", "f/data.txt"]).unwrap(), "f/only.py");
    assert_eq!(script(&["f/a.py", "f/main.py", "f/__init__.py"]).unwrap(), "f/__init__.py");
    assert_eq!(script(&["f/a.py", "f/main.py"]).unwrap(), "f/main.py");
    assert_eq!(script(&["f/a.py", "f/main.py", "f/run.py"]).unwrap(), "f/run.py");
    let none = "f/function.json: there is no script: add __init__.py to the folder, or name the file with `scriptFile`";
    let many = "f/function.json: any of a.py, b.py may be the script: name it with `scriptFile`, or call it __init__.py";
    assert_eq!(script(&["f/a.py", "f/b.py"]).unwrap_err(), many);
    assert_eq!(script(&[]).unwrap_err(), none);

    let named = |name: &str| {
        let text = format!("{{{HTTP},\n\"scriptFile\": {}}}", json!(name));
        read(&text, &["f/__init__.py", "f/deep/x.py", "f/a.js", "shared/y.py"]).map(|function| function.script_file)
    };
    assert_eq!(named("deep/x.py").unwrap(), "f/deep/x.py");
    assert_eq!(named("..\\shared\\y.py").unwrap(), "shared/y.py");
    assert_eq!(named("./../shared/../f/__init__.py").unwrap(), "f/__init__.py");
    assert_eq!(named("").unwrap(), "f/__init__.py");
    assert_eq!(
        named("x.py").unwrap_err(),
        "f/function.json:2: `scriptFile` names f/x.py, which does not exist: it is relative to the function's folder"
    );
    for outside in ["../../x.py", "/etc/x.py", "../../f/__init__.py"] {
        assert!(named(outside).unwrap_err().contains("leads out of the app's folder"), "{outside}");
    }
    assert!(named("a.js").unwrap_err().contains("must be a Python file (.py), not \"a.js\""));
    assert!(named("deep").unwrap_err().contains("which is not a file"));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_app_are_refused() {
    let outside = app(&format!("{{{HTTP}}}"), &["f/__init__.py"]);
    let root = app(&format!("{{{HTTP}, \"scriptFile\": \"link.py\"}}"), &[]);
    std::os::unix::fs::symlink(outside.path().join("f/__init__.py"), root.path().join("f/link.py")).unwrap();
    let error = read_with(root.path(), &Settings::default()).unwrap_err();
    assert!(error.contains("`scriptFile` names f/link.py, a link out of the app's folder"), "{error}");

    std::fs::remove_file(root.path().join("f/function.json")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("f/function.json"), root.path().join("f/function.json")).unwrap();
    let error = read_with(root.path(), &Settings::default()).unwrap_err();
    assert!(error.starts_with("f/function.json: leads out of the app's folder"), "{error}");

    std::os::unix::fs::symlink(outside.path().join("f"), root.path().join("g")).unwrap();
    std::os::unix::fs::symlink(root.path().join("nothing"), root.path().join("h")).unwrap();
    let found = discover(&Folder::open(root.path()).unwrap(), &Settings::default(), |_| true).unwrap();
    assert_eq!((found.names, found.broken.len()), (vec!["f".to_owned()], 1));
    assert!(found.notices[0].starts_with("g is a link out of the app's folder"), "{:?}", found.notices);
}

#[test]
fn retries_are_checked() {
    let retry = |text: &str| fields(&format!("\"retry\": {{{text}}}")).map(|function| function.retry.unwrap());
    let fixed = retry(r#""strategy": "FixedDelay", "maxRetryCount": -1, "delayInterval": "00:00:10""#).unwrap();
    assert_eq!(fixed, RetryPolicy { strategy: RetryStrategy::FixedDelay { delay: Duration::from_secs(10) }, max_retry_count: None });
    let backoff = r#""strategy": "exponentialBackoff", "maxRetryCount": 3, "minimumInterval": "00:00:01", "maximumInterval": "#;
    assert_eq!(retry(&format!("{backoff}\"00:15:00\"")).unwrap().max_retry_count, Some(3));
    let short = retry(&format!("{backoff}\"00:00:02\"")).unwrap().strategy;
    assert_eq!([0, 1, 2, 9].map(|retries| short.delay(retries)), [1000, 1800, 2000, 2000].map(Duration::from_millis));
    assert!(retry(&format!("{backoff}\"00:00:00\"")).unwrap_err().contains("minimumInterval longer than its maximumInterval"));
    assert!(retry("\"maxRetryCount\": 3").unwrap_err().contains("`retry.strategy` is missing"));
    assert!(retry(r#""strategy": "fixedDelay", "delayInterval": "00:00:10""#).unwrap_err().contains("`retry.maxRetryCount` is missing"));
    assert!(retry(r#""strategy": "fixedDelay", "maxRetryCount": 1"#).unwrap_err().contains("`retry.delayInterval` is missing"));
    assert!(retry(r#""strategy": "never", "maxRetryCount": 1"#).unwrap_err().contains("must be fixedDelay or exponentialBackoff"));
    assert!(fields("\"retry\": 3").unwrap_err().contains("f/function.json:3: `retry` must be an object"));
}

#[test]
fn functions_can_be_disabled() {
    let disabled = |function_json: &str, name: &str, value: &str| {
        let settings = Settings::from_iter([(name.to_owned(), value.to_owned())]);
        read_with(app(&format!("{{{HTTP}{function_json}}}"), &["f/__init__.py"]).path(), &settings).map(|function| function.disabled)
    };
    assert_eq!(disabled("", "AzureWebJobs.F.Disabled", "TRUE"), Ok(true));
    assert_eq!(disabled("", "AzureWebJobs__f__Disabled", "1"), Ok(true));
    assert_eq!(disabled("", "AzureWebJobs.f.Disabled", "false"), Ok(false));
    assert_eq!(disabled(", \"disabled\": true", "AzureWebJobs.f.Disabled", "false"), Ok(true));
    assert_eq!(disabled(", \"disabled\": \"OFF\"", "OFF", "1"), Ok(true));
    assert_eq!(disabled(", \"disabled\": \"%OFF%\"", "OFF", "0"), Ok(false));
    assert!(disabled(", \"disabled\": []", "A", "").unwrap_err().contains("must be true, false or the name of a setting, not a list"));
}

#[test]
fn entry_points_and_exclusion() {
    assert_eq!(fields("\"entryPoint\": \"run\"").unwrap().entry_point, "run");
    assert!(fields("\"entryPoint\": []").unwrap_err().contains("`entryPoint` must be a text, not a list"));
    let root = app("{\"excluded\": true}", &[]);
    let found = discover(&Folder::open(root.path()).unwrap(), &Settings::default(), |_| true).unwrap();
    assert_eq!((found.functions.len(), found.broken.len(), found.notices.len()), (0, 0, 1));
}

#[test]
fn names_are_checked() {
    for good in ["a", "Hello-World_1", &"a".repeat(128)] {
        assert!(discovery::is_name(good), "{good}");
    }
    for bad in ["", "1a", "_a", "a.b", "a b", "é", "host", "HOST", &"a".repeat(129)] {
        assert!(!discovery::is_name(bad), "{bad}");
    }
}

fn defined(name: &str, definition: &str) -> Result<Function, String> {
    let settings = Settings::from_iter([("AzureWebJobs.off.Disabled".to_owned(), "true".to_owned())]);
    read_definition(name, definition, "function_app.py", &settings).map_err(|error| error.to_string())
}

#[test]
fn a_definition_of_decorators_is_read_like_a_function_json() {
    let function = defined(
        "hello",
        r#"{"scriptFile": "function_app.py", "entryPoint": "hello", "bindings": [{"direction": "OUT", "type": "http", "name": "$return"},
            {"direction": "IN", "type": "httpTrigger", "authLevel": "ANONYMOUS", "dataType": "STRING", "name": "req"}],
            "retry": {"strategy": "fixedDelay", "maxRetryCount": "3", "delayInterval": "00:00:01"}}"#,
    )
    .unwrap();
    assert_eq!(
        (function.name.as_str(), function.script_file.as_str(), function.entry_point.as_str()),
        ("hello", "function_app.py", "hello")
    );
    assert_eq!((function.trigger().name.as_str(), function.trigger().data_type), ("req", DataType::Text));
    assert_eq!(function.bindings.get("$return").map(|binding| binding.direction), Some(Direction::Out));
    let delay = Duration::from_secs(1);
    assert_eq!(function.retry, Some(RetryPolicy { strategy: RetryStrategy::FixedDelay { delay }, max_retry_count: Some(3) }));
    assert!(!function.disabled && defined("off", &format!("{{{HTTP}}}")).unwrap().disabled);
    assert_eq!(function.config["entryPoint"], "hello");
}

#[test]
fn errors_in_a_definition_name_file_and_function() {
    let wrong = |binding: &str| defined("f", &format!("{{\"bindings\": [{binding}]}}")).unwrap_err();
    assert!(wrong("").starts_with("function_app.py, function f: `bindings` is empty: add a trigger"));
    assert_eq!(
        wrong(r#"{"type": "httpTrigger", "name": "req", "direction": "across"}"#),
        "function_app.py, function f: `bindings[0].direction` must be in, out or inout, not \"across\""
    );
    assert!(defined("1st", "{}").unwrap_err().starts_with("function_app.py: 1st can't be the name of a function: give it another with"));
}

proptest! {
    #[test]
    fn whatever_a_definition_holds_nothing_breaks(name: String, text: String, kind: String, strategy in "(fixedDelay|.*)") {
        let _ = defined(&name, &text);
        let retry = json!({"strategy": strategy, "maxRetryCount": text, "delayInterval": kind});
        let definition = json!({"bindings": [{"type": kind, "name": text}, {"type": "xTrigger", "name": name}], "retry": retry});
        let _ = defined("f", &definition.to_string());
    }

    #[test]
    fn bindings_from_any_fields_never_panic(name: String, kind: String, direction in "(in|OUT|inout|.*)") {
        let fields = json!({"name": name, "type": kind, "direction": direction});
        if let Ok(binding) = Binding::from_fields("x", fields.as_object().unwrap().clone()) {
            let _ = Bindings::new(vec![binding.clone(), binding]);
        }
    }
}

#[test]
fn a_huge_file_is_read_in_a_moment() {
    let binding = |i| format!("{{\"type\": \"blob\", \"name\": \"b{i}\", \"x\": 1}}");
    let many: Vec<String> = (0..20_000).map(binding).collect();
    let start = std::time::Instant::now();
    let error = bindings(&many.join(",\n")).unwrap_err();
    assert!(error.contains("has no trigger"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}
