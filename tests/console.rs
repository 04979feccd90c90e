//! The console contract: what tools read, line by line.

mod common;

use common::{App, HTTP};

const LEVELS: &str = r"
import logging

def main(req):
    logging.debug('a debug')
    logging.info('an info')
    logging.warning('a warning')
    logging.error('an error')
    logging.critical('a critical')
    logging.getLogger('own.logger').info('from a logger of its own')
    return 'ok'
";

fn printed_by_one_request(app: &App, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let host = app.start_with(arguments, environment);
    let mark = host.mark();
    assert_eq!(host.get("/api/f").status, 200, "{}", host.printed());
    host.lines_since(mark).into_iter().filter(|line| !line.starts_with("Executed 'Functions.f' (Succeeded, Id=")).collect()
}

#[test]
fn a_record_is_its_text_alone() {
    let lines = printed_by_one_request(&App::with(LEVELS), &[], &[]);
    assert_eq!(lines, ["an info", "a warning", "an error", "a critical", "from a logger of its own"]);
}

#[test]
fn levels_come_from_host_json_the_flag_and_the_setting() {
    let levels = |fields: &str| format!("\"logging\": {{\"logLevel\": {fields}}}");
    let app = |fields: &str| App::with(LEVELS).host_json(&levels(fields));
    let warnings = ["a warning", "an error", "a critical"];
    let with_executed = |app: &App, arguments: &[&str]| {
        let host = app.start_with(arguments, &[]);
        let mark = host.mark();
        assert_eq!(host.get("/api/f").status, 200);
        host.lines_since(mark)
    };
    assert_eq!(printed_by_one_request(&app(r#"{"Function.f.User": "Warning"}"#), &[], &[]), warnings);
    assert_eq!(printed_by_one_request(&app(r#"{"Function": "Trace"}"#), &[], &[])[0], "a debug");
    assert_eq!(
        printed_by_one_request(&app(r#"{"Function.f.User": "Trace", "Function": "Information", "default": "None"}"#), &[], &[])[0],
        "a debug"
    );
    let quiet = with_executed(&app(r#"{"default": "Error"}"#), &[]);
    assert_eq!(quiet, ["an error", "a critical"]);
    assert_eq!(with_executed(&App::with(LEVELS), &["--user-log-level", "Warning"])[0], "a warning");
    let debug = printed_by_one_request(&app(r#"{"default": "Trace"}"#), &[], &[("PYTHON_ENABLE_DEBUG_LOGGING", "1")]);
    assert_eq!(debug[0], "a debug");
    let filtered = printed_by_one_request(&app(r#"{"default": "Information"}"#), &[], &[("PYTHON_ENABLE_DEBUG_LOGGING", "1")]);
    assert_eq!(filtered[0], "an info");
    assert_eq!(printed_by_one_request(&App::with(LEVELS), &["--user-log-level", "Debug"], &[])[0], "a debug");
}

#[test]
fn a_level_for_everything_lets_debug_through_but_does_not_ask_for_it() {
    let code = "import logging\nown = logging.getLogger('own')\nown.setLevel(logging.DEBUG)\n\ndef main(req):\n    logging.debug('of the root')\n    own.debug('of its own')\n    return 'ok'\n";
    let app = |level: &str| App::with(code).host_json(&format!(r#""logging": {{"logLevel": {{"default": "{level}"}}}}"#));
    assert_eq!(printed_by_one_request(&app("Trace"), &[], &[]), ["of its own"]);
    assert_eq!(printed_by_one_request(&app("Information"), &[], &[]), Vec::<String>::new());
}

#[test]
fn what_is_printed_comes_out_whole_and_in_order() {
    let code = r#"
import logging, os, sys

def main(req):
    print("one", end=" ")
    print("line")
    print("héllo ☃ 你好")
    print("to stderr", file=sys.stderr)
    sys.stdout.write("two\nlines\n")
    logging.info("a\nrecord of\nlines")
    print("LanguageWorkerConsoleLog for the platform")
    os.write(1, b"past python\n")
    os.write(2, b"not utf-8: \xff\n")
    print("x" * 100_000)
    print("without an end", end="")
    return "ok"
"#;
    let mut lines = printed_by_one_request(&App::with(code), &[], &[]);
    let long: String = lines.iter().filter(|line| line.starts_with("xxx")).map(String::as_str).collect();
    assert_eq!(long, "x".repeat(100_000));
    lines.retain(|line| !line.starts_with("xxx"));
    let expected = [
        "one line",
        "héllo ☃ 你好",
        "to stderr",
        "two",
        "lines",
        "a",
        "record of",
        "lines",
        "for the platform",
        "past python",
        "not utf-8: \u{fffd}",
        "without an end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn text_that_utf_8_can_not_carry_does_not_fail_the_function() {
    let code = r#"
import logging, os

count = 0

def main(req):
    global count
    count += 1
    logging.getLogger("own \ud800").warning("a file %s", os.fsdecode(b"caf\xe9"))
    print("printed \ud800")
    return "\ud800" if "text" in req.params else str(count)
"#;
    let host = App::with(code).start();
    let mark = host.mark();
    assert_eq!((host.get("/api/f").text(), host.get("/api/f?text=1").status, host.get("/api/f").text()), ("1", 500, "3"));
    let lines = host.lines_until(mark, "Exception: UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800'");
    assert_eq!(lines[..2], ["a file caf\\udce9", "printed \\ud800"]);
    assert!(!host.printed().contains("panicked"), "{}", host.printed());
}

#[test]
fn control_characters_can_not_forge_lines() {
    let code = r#"
import logging

def main(req):
    logging.warning("\x1b[2J\x1b[31mred\x07")
    logging.warning("over\rwritten")
    print("a\x00b\x9b")
    logging.warning("ends\u2028here\u202e")
    return "ok"
"#;
    let lines = printed_by_one_request(&App::with(code), &[], &[]);
    assert_eq!(lines, ["\\x1b[2J\\x1b[31mred\\x07", "over\\x0dwritten", "a\\x00b\\x9b", "ends\\u{2028}here\\u{202e}"]);
}

#[test]
fn lines_of_the_hosts_can_not_be_forged() {
    let code = r#"
import logging

def main(req):
    logging.warning("fine\nsnapfunc: the key is x\nExecuted 'Functions.g' (Succeeded, Id=1, Duration=1.0 ms)")
    print("Result: Failure")
    print("\u200bsnapfunc: hidden")
    print("\tg: [GET] http://example.org/api/g")
    print("Result: 42")
    error = ValueError("one\nsnapfunc: two")
    error.add_note("snapfunc: three\nResult: Failure")
    raise error
"#;
    // A folder may have any name, also one that is no function's.
    let app = App::with(code).function("x\n\tg: [GET] http:\x1b[31m", HTTP, "def main(req):\n    return ''\n");
    let host = app.start();
    let mark = host.mark();
    assert_eq!(host.get("/api/f").status, 500);
    let lines = host.lines_until(mark, "(Failed, Id=");
    let expected = [
        "fine",
        "[f] snapfunc: the key is x",
        "[f] Executed 'Functions.g' (Succeeded, Id=1, Duration=1.0 ms)",
        "[f] Result: Failure",
        "[f] \u{200b}snapfunc: hidden",
        "[f] \tg: [GET] http://example.org/api/g",
        "Result: 42",
        "Result: Failure",
        "Exception: ValueError: one snapfunc: two",
    ];
    assert_eq!(lines[..expected.len()], expected, "{lines:?}");
    let own: Vec<_> = lines[expected.len()..].iter().filter(|line| line.starts_with("snapfunc: ") || *line == "Result: Failure").collect();
    assert!(own.is_empty(), "{lines:?}");
    assert!(lines.contains(&"[f] snapfunc: three".to_owned()), "{lines:?}");
    assert!(!host.lines().iter().any(|line| line.starts_with("\tg: ") || line.contains('\x1b')), "{}", host.printed());
    assert!(host.lines().iter().any(|line| line.starts_with("\tx ") && line.contains("http:\\x1b[31m")), "{}", host.printed());
}

#[test]
fn all_lines_of_a_request_are_out_before_its_response_ends() {
    let host = App::with(
        "import logging\ndef main(req):\n    for n in range(50):\n        logging.info('%s %s', req.params['id'], n)\n    return 'ok'\n",
    )
    .start();
    for id in 0..20 {
        let mark = host.mark();
        host.get(&format!("/api/f?id={id}"));
        let lines = host.lines_since(mark);
        let own: Vec<_> = lines.iter().filter(|line| line.starts_with(&format!("{id} "))).collect();
        assert_eq!(own.len(), 50, "{lines:?}");
    }
}

#[test]
fn a_run_without_failures_never_says_exception() {
    let host = App::with(LEVELS).start();
    host.get("/api/f");
    host.wait_for_line("Executed");
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
    assert!(!host.printed().contains('\x1b'), "{}", host.printed());
    assert!(
        host.printed().contains(&format!("\tf: [GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS] http://localhost:{}/api/f", host.port)),
        "{}",
        host.printed()
    );
}

#[test]
fn what_is_logged_while_loading_is_shown() {
    let code = "import logging\nlogging.warning('at import')\nprint('printed at import')\nlogging.getLogger().setLevel(logging.ERROR)\ndef main(req):\n    logging.warning('hidden by the app')\n    return 'ok'\n";
    let host = App::new().function("f", HTTP, code).start();
    host.wait_for_line("at import");
    host.wait_for_line("printed at import");
    host.get("/api/f");
    host.wait_for_line("Executed");
    assert!(!host.printed().contains("hidden by the app"), "{}", host.printed());
}

#[test]
fn records_of_threads_of_requests_do_not_mix() {
    let code = "import logging, time\ndef main(req):\n    for n in range(20):\n        logging.info('%s', req.params['id'] * 2000)\n    return 'ok'\n";
    let host = App::with(code).start();
    std::thread::scope(|scope| {
        for id in ["a", "b", "c", "d"] {
            let host = &host;
            scope.spawn(move || assert_eq!(host.get(&format!("/api/f?id={id}")).status, 200));
        }
    });
    let whole = |line: &String| line.len() == 2000 && line.bytes().all(|byte| byte == line.as_bytes()[0]);
    let started = std::time::Instant::now();
    while host.lines().iter().filter(|line| whole(line)).count() < 80 {
        assert!(started.elapsed().as_secs() < 20, "lines are torn: {}", host.printed());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
