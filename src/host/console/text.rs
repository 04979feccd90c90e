//! Records as lines for people, and for the tools that read what Core Tools print.

use super::printable::{printable, printable_line};
use super::record::{Content, Record};
use crate::app::LogLevel;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::time::Duration;

const DIMMED: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// A record's lines, each with its end.
pub(super) fn text(record: &Record<'_>, coloured: bool) -> String {
    let (style, text) = match record.content {
        Content::Logged { text, .. } => (style_of(record.level), printable(text)),
        Content::Host(text) => (style_of(record.level), format!("snapfunc: {}", printable(text))),
        Content::Plain(text) => (Style::new(), text.to_owned()),
        Content::Failed(failure) => {
            let (kind, message) = (printable_line(&failure.kind), printable_line(&failure.message));
            (RED, format!("Result: Failure\nException: {kind}: {message}\nStack: {}", printable(&failure.stack)))
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

/// The end of an invocation as the Functions host tells it.
pub(super) fn end(record: &Record<'_>, succeeded: bool, took: Duration) -> String {
    let result = if succeeded { "Succeeded" } else { "Failed" };
    let (function, id) = (record.function.unwrap_or_default(), record.invocation_id.unwrap_or_default());
    format!("Executed 'Functions.{function}' ({result}, Id={id}, Duration={})", in_milliseconds(took))
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
}
