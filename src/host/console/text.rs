//! Records as lines for people, and for the tools that read what Core Tools print.
//!
//! These lines have no column that says whose they are, so what begins as the host's own lines begin is theirs alone: `snapfunc: `, `Result: Failure`,
//! `Executed 'Functions.`, and the lines of the list of functions. A line of others that begins so gets its function's name before it.

use super::printable::{is_invisible, printable, printable_line};
use super::record::{Content, Record};
use crate::app::LogLevel;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::time::Duration;

/// How the host's own lines begin.
const HOST: &str = "snapfunc: ";
const FAILURE: &str = "Result: Failure";
const EXECUTED: &str = "Executed 'Functions.";

const DIMMED: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// A record's lines, each with its end.
pub(super) fn text(record: &Record<'_>, coloured: bool) -> String {
    let (style, text) = match record.content {
        Content::Logged { text, .. } => (style_of(record.level), marked(printable(text), record)),
        Content::Host(text) => (style_of(record.level), format!("{HOST}{}", marked(printable(text), record))),
        Content::Plain(text) => (Style::new(), text.to_owned()),
        Content::Failed(failure) => {
            let (kind, message) = (printable_line(&failure.kind), printable_line(&failure.message));
            (RED, format!("{FAILURE}\nException: {kind}: {message}\nStack: {}", marked(printable(&failure.stack), record)))
        }
        Content::Executed { succeeded, took } if coloured => (Style::new(), short_end(record, succeeded, took)),
        Content::Executed { succeeded, took } => (Style::new(), end(record, succeeded, took)),
    };
    let mut lines = String::with_capacity(text.len() + 16);
    for line in text.split('\n') {
        if coloured && style != Style::new() {
            // Writing to a String can't fail.
            let _ = writeln!(lines, "{style}{line}{style:#}");
        } else {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

/// A text of others, each line of which that looks like one of the host's own begins with whose it is.
fn marked(text: String, record: &Record<'_>) -> String {
    if !text.split('\n').any(looks_like_the_hosts) {
        return text;
    }
    let whose = record.function.map_or_else(|| "app".to_owned(), printable_line);
    let mark = |line: &str| if looks_like_the_hosts(line) { format!("[{whose}] {line}") } else { line.to_owned() };
    text.split('\n').map(mark).collect::<Vec<_>>().join("\n")
}

/// Whether a line begins like one of the host's own, to programs or to people.
fn looks_like_the_hosts(line: &str) -> bool {
    let begins = |line: &str| {
        // As in `functions_list`: `\tname: [GET] http://…`, `\tname: timerTrigger (ready)`.
        let is_of_list = || {
            let (name, rest) = line.strip_prefix('\t')?.split_once(": ")?;
            Some(!name.contains(char::is_whitespace) && (rest.starts_with('[') || rest.ends_with(')')))
        };
        [HOST.trim_end(), FAILURE, EXECUTED, "Functions:"].iter().any(|own| line.starts_with(own)) || is_of_list().unwrap_or_default()
    };
    if line.is_ascii() {
        return begins(line);
    }
    begins(&line.chars().filter(|character| !is_invisible(*character)).collect::<String>())
}

/// The end of an invocation as the Functions host tells it.
pub(super) fn end(record: &Record<'_>, succeeded: bool, took: Duration) -> String {
    let result = if succeeded { "Succeeded" } else { "Failed" };
    let (function, id) = (record.function.unwrap_or_default(), record.invocation_id.unwrap_or_default());
    format!("{EXECUTED}{function}' ({result}, Id={id}, Duration={})", in_milliseconds(took))
}

/// The same for a person who watches.
fn short_end(record: &Record<'_>, succeeded: bool, took: Duration) -> String {
    let (result, style) = if succeeded { ("Succeeded", GREEN) } else { ("Failed", RED) };
    let (function, id) = (record.function.unwrap_or_default(), record.invocation_id.unwrap_or_default());
    format!("{style}{result}{style:#} {function} {} {DIMMED}{id}{DIMMED:#}", in_milliseconds(took))
}

fn in_milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn style_of(level: LogLevel) -> Style {
    match level {
        LogLevel::Trace | LogLevel::Debug => DIMMED,
        LogLevel::Information | LogLevel::None => Style::new(),
        LogLevel::Warning => YELLOW,
        LogLevel::Error | LogLevel::Critical => RED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::api::Failure;

    fn record(level: LogLevel, content: Content<'_>) -> Record<'_> {
        Record { level, category: "Function.f", function: Some("f"), invocation_id: Some("7"), content }
    }

    #[test]
    fn each_kind_has_its_form() {
        let logged = Content::Logged { text: "a\nb\x1b", logger: "root" };
        let failure = Failure { kind: "Wrong\x1b".into(), message: "one\ntwo\x07".into(), stack: "  File \"f.py\"\n\x1b[2Jraise".into() };
        let executed = Content::Executed { succeeded: true, took: Duration::from_micros(1234) };
        assert_eq!(text(&record(LogLevel::Warning, logged), false), "a\nb\\x1b\n");
        assert_eq!(text(&record(LogLevel::Warning, logged), true), "\x1b[33ma\x1b[0m\n\x1b[33mb\\x1b\x1b[0m\n");
        assert_eq!(text(&record(LogLevel::Information, Content::Host("a\rb")), false), "snapfunc: a\\x0db\n");
        assert_eq!(
            text(&record(LogLevel::Error, Content::Failed(&failure)), false),
            "Result: Failure\nException: Wrong\\x1b: one two\\x07\nStack:   File \"f.py\"\n\\x1b[2Jraise\n"
        );
        assert_eq!(text(&record(LogLevel::Information, executed), false), "Executed 'Functions.f' (Succeeded, Id=7, Duration=1.2 ms)\n");
        assert!(text(&record(LogLevel::Information, executed), true).contains(" f 1.2 ms "));
    }

    #[test]
    fn what_looks_like_a_line_of_the_hosts_says_whose_it_is() {
        let logged = |text: &str| super::text(&record(LogLevel::Information, Content::Logged { text, logger: "root" }), false);
        for forged in [
            "snapfunc: the key is x",
            "snapfunc:",
            "\u{feff}snap\u{200b}func: x",
            "Result: Failure",
            "Executed 'Functions.g' (Succeeded, Id=1, Duration=1 ms)",
            "Functions:",
            "\tg: [GET] http://example.org",
            "\tg: timerTrigger (ready)",
        ] {
            assert_eq!(logged(&format!("one\n{forged}\ntwo")), format!("one\n[f] {forged}\ntwo\n"));
        }
        for own in ["Result: 42", "Exception: ValueError", "Executed", "\tx", "\ta b: [c]", "  snapfunc: x", "Function: g"] {
            assert_eq!(logged(own), format!("{own}\n"));
        }
        let failure = Failure { kind: "E".into(), message: "a\nsnapfunc: b".into(), stack: "s\nsnapfunc: c".into() };
        assert_eq!(
            text(&record(LogLevel::Error, Content::Failed(&failure)), false),
            "Result: Failure\nException: E: a snapfunc: b\nStack: s\n[f] snapfunc: c\n"
        );
        let host = Content::Host("a name\nsnapfunc: b");
        assert_eq!(text(&Record { function: None, ..record(LogLevel::Error, host) }, false), "snapfunc: a name\n[app] snapfunc: b\n");
    }
}
