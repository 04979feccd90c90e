//! The console: what user code logs and prints, how invocations end, and what the host has to say.
//!
//! The form follows what tools for Azure Functions read (`shared/docs` names it the console contract): a user's record is its text alone; whole
//! lines; no colour unless a person watches. Each record is written at once, so that all lines of a request are out before its response.

use crate::app::{LogLevel, LogLevels};
use crate::sandbox::api::{Failure, Level};
use crate::sandbox::{LogRecord, LogSink};
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Where lines go. Shared by all that runs.
#[derive(Debug)]
pub struct Console {
    levels: LogLevels,
    coloured: bool,
}

const DIMMED: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

// === impl Console ===

impl Console {
    /// Writes to standard output what `levels` lets through; in colour if that is a terminal.
    #[must_use]
    pub fn new(levels: LogLevels) -> Self {
        Console { levels, coloured: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// Whether a person watches.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// Whether functions are to log what is for developers. A level for everything (`default`) asks for the host's own: as on Azure, it lets
    /// through what functions log, but does not make them log more.
    pub(super) fn asks_for_debug(&self) -> bool {
        self.levels.least_of("Function").is_some_and(|level| level <= LogLevel::Debug)
    }

    fn lets_through(&self, category: &str, level: LogLevel) -> bool {
        level >= self.levels.level(category)
    }

    /// A line of the host's own.
    pub fn host(&self, level: LogLevel, text: &str) {
        if self.lets_through("Host.General", level) {
            self.write(style_of(level), &format!("snapfunc: {text}"));
        }
    }

    /// Text that stands for itself, such as the list of functions.
    pub fn plain(&self, text: &str) {
        self.write(Style::new(), text);
    }

    /// An entry file that gave no functions, with the reason.
    pub fn no_functions(&self, entry_file: &str, failure: &Failure) {
        self.write(RED, &format!("snapfunc: no functions: {entry_file} could not be loaded"));
        self.failure(failure);
    }

    /// A function that can't be invoked, with the reason.
    pub fn not_loaded(&self, function: &str, failure: &Failure) {
        self.write(RED, &format!("snapfunc: the function {function} could not be loaded"));
        self.failure(failure);
    }

    /// An invocation that failed: three parts on lines of their own, as the Functions host has them.
    pub fn failure(&self, failure: &Failure) {
        let mut text = String::from("Result: Failure\n");
        // Writing to a String can't fail.
        let _ = writeln!(text, "Exception: {}: {}", failure.kind, failure.message.replace('\n', " "));
        let _ = write!(text, "Stack: {}", failure.stack);
        self.write(RED, &text);
    }

    /// The end of an invocation.
    pub fn executed(&self, function: &str, invocation_id: &str, succeeded: bool, took: Duration) {
        let level = if succeeded { LogLevel::Information } else { LogLevel::Error };
        if !self.lets_through(&format!("Function.{function}"), level) {
            return;
        }
        let (result, style) = if succeeded { ("Succeeded", GREEN) } else { ("Failed", RED) };
        let took = format!("{:.1} ms", took.as_secs_f64() * 1000.0);
        if self.coloured {
            self.write(Style::new(), &format!("{style}{result}{style:#} {function} {took} {DIMMED}{invocation_id}{DIMMED:#}"));
        } else {
            self.write(Style::new(), &format!("Executed 'Functions.{function}' ({result}, Id={invocation_id}, Duration={took})"));
        }
    }

    /// Writes whole lines in one piece. A console that is gone is no reason to stop.
    fn write(&self, style: Style, text: &str) {
        let mut lines = String::with_capacity(text.len() + 16);
        for line in text.split('\n') {
            if self.coloured && style != Style::new() {
                let _ = writeln!(lines, "{style}{line}{style:#}");
            } else {
                lines.push_str(line);
                lines.push('\n');
            }
        }
        let mut out = io::stdout().lock();
        let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    }
}

impl LogSink for Console {
    fn record(&self, record: &LogRecord<'_>) {
        let level = level_of(record.level);
        let category = record.running.map_or_else(|| "Host.Function".to_owned(), |running| user_category(&running.function));
        if self.lets_through(&category, level) {
            self.write(style_of(level), &printable(record.text));
        }
    }
}

/// The category of what a function logs.
fn user_category(function: &str) -> String {
    format!("Function.{function}.User")
}

/// A guest's severity as host.json names it.
fn level_of(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Information => LogLevel::Information,
        Level::Warning => LogLevel::Warning,
        Level::Error => LogLevel::Error,
        Level::Critical => LogLevel::Critical,
    }
}

fn style_of(level: LogLevel) -> Style {
    match level {
        LogLevel::Trace | LogLevel::Debug => DIMMED,
        LogLevel::Information | LogLevel::None => Style::new(),
        LogLevel::Warning => YELLOW,
        LogLevel::Error | LogLevel::Critical => RED,
    }
}

/// A guest's text with its control characters made visible: it must not move the cursor, set colours or end a line unseen.
#[must_use]
pub fn printable(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            // Control characters, and those that reorder or break lines where a terminal or a log viewer follows Unicode.
            '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => shown.extend(character.escape_unicode()),
            control if control.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(control));
            }
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::printable;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("a\r\nb\tc"), "a\nb\tc");
        assert_eq!(printable("\x1b[31mred\x1b[0m\rover\x00\x7f\u{9b}"), "\\x1b[31mred\\x1b[0m\\x0dover\\x00\\x7f\\x9b");
        assert_eq!(printable("\u{202e}x"), "\\u{202e}x");
        assert_eq!(printable("héé ☃"), "héé ☃");
    }

    proptest! {
        #[test]
        fn nothing_that_controls_is_left(text in any::<String>()) {
            let shown = printable(&text);
            let controls = shown.chars().any(|character| character.is_control() && character != '\n' && character != '\t');
            prop_assert!(!controls);
        }
    }
}
