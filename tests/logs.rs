//! Logs as JSON, and how much a function may log.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::App;
use serde_json::Value;
use std::fs;

const CHATTY: &str = r#"
import logging

logging.warning('while loading')

def main(req):
    logging.getLogger('own').warning('two\nlines \x1b[31m"quoted"')
    print('printed')
    if 'fail' in req.params:
        raise KeyError('gone')
    return 'ok'
"#;

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn with<'a>(records: &'a [Value], field: &str, value: &str) -> &'a Value {
    records.iter().find(|record| record[field] == value).unwrap_or_else(|| panic!("{field} {value}: {records:#?}"))
}

#[test]
fn each_line_is_an_object() {
    let host = App::with(CHATTY).start_with(&["--enable-json-output"], &[]);
    assert_eq!((host.get("/api/f").status, host.get("/api/f?fail=1").status), (200, 500));
    host.wait_for_line("(Failed, Id=");
    let records = objects(&host.printed());
    for record in &records {
        assert!(record["time"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{record}");
        assert!(["level", "category", "message"].iter().all(|field| record[*field].is_string()), "{record}");
    }
    assert_eq!(with(&records, "message", "while loading")["category"], "Host.Function");
    let logged = with(&records, "logger", "own");
    assert_eq!((&logged["level"], &logged["category"], &logged["function"]), (&"Warning".into(), &"Function.f.User".into(), &"f".into()));
    assert_eq!(logged["message"], "two\nlines \x1b[31m\"quoted\"");
    assert_eq!(logged["invocationId"].as_str().unwrap().len(), 36);
    assert_eq!(with(&records, "message", "printed")["logger"], "stdout");
    let failed = with(&records, "message", "KeyError: 'gone'");
    assert_eq!((&failed["level"], &failed["category"]), (&"Error".into(), &"Function.f".into()));
    assert_eq!((&failed["exception"]["type"], &failed["exception"]["message"]), (&"KeyError".into(), &"'gone'".into()));
    assert!(failed["exception"]["stack"].as_str().unwrap().contains("/home/site/wwwroot/f/__init__.py"), "{failed}");
    let ended: Vec<_> = records.iter().filter(|record| record["durationMs"].is_number()).collect();
    assert_eq!(ended.len(), 2, "{ended:?}");
    assert_eq!(ended[0]["invocationId"], logged["invocationId"]);
}

#[test]
fn a_file_gets_json_beside_the_text() {
    let app = App::with(CHATTY);
    let file = app.data().join("log.jsonl");
    fs::write(&file, "{\"message\": \"from before\"}\n").unwrap();
    let host = app.start_with(&["--json-output-file", file.to_str().unwrap()], &[]);
    assert_eq!(host.get("/api/f").status, 200);
    host.wait_for_line("Executed 'Functions.f' (Succeeded");
    assert!(host.lines().iter().any(|line| line == "printed"), "{}", host.printed());
    let written = objects(&fs::read_to_string(&file).unwrap());
    assert_eq!(written[0]["message"], "from before");
    with(&written, "message", "printed");
    let output = app.run_to_end(&["--json-output-file", "/proc/nowhere/log"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("--json-output-file: /proc/nowhere/log can't be written"), "{told}");
}

#[test]
fn a_flood_is_cut_off_and_told_of_and_others_are_heard() {
    let flood = "import logging\n\ndef main(req):\n    for _ in range(20000):\n        logging.info('x' * 100)\n    return 'done'\n";
    let quiet = "import logging\n\ndef main(req):\n    logging.info('heard')\n    return 'ok'\n";
    let app = App::with(flood).function("g", common::HTTP, quiet).host_json("\"snapfunc\": {\"logs\": {\"maxKbPerSecond\": 10}}");
    let host = app.start();
    assert_eq!((host.get("/api/f").text(), host.get("/api/g").text()), ("done", "ok"));
    host.wait_for_line("heard");
    let lines = host.lines();
    let written = lines.iter().filter(|line| line.starts_with("xxx")).count();
    // Eight seconds' worth at once, and what comes while it runs.
    assert!((400..15_000).contains(&written), "{written}");
    let dropped =
        lines.iter().filter_map(|line| line.strip_prefix("snapfunc: dropped ")?.split_once(" records of f: more than 10 KiB a second"));
    let dropped: usize = dropped.map(|(count, _)| count.parse::<usize>().unwrap()).sum();
    assert_eq!(written + dropped, 20_000);
}

#[test]
fn a_long_record_is_cut_off() {
    let code = "import logging\n\ndef main(req):\n    logging.info('é' * 5000)\n    return 'ok'\n";
    let host = App::with(code).host_json("\"snapfunc\": {\"logs\": {\"maxRecordKb\": 1}}").start();
    assert_eq!(host.get("/api/f").status, 200);
    let line = host.wait_for_line("éé");
    assert!(line.len() < 1200 && line.starts_with(&"é".repeat(500)), "{}", line.len());
}
