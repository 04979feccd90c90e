//! The console: what user code logs and prints, how invocations end, and what the host has to say.
//!
//! - As [`text`], it follows what tools for Azure Functions read: a user's record is its text alone; whole lines; no colour unless a person watches.
//! - As [`json`], each record is an object with its time, level, category, function and invocation.
//!
//! Each record is written at once, so that all lines of a request are out before its response. host.json's `logging.logLevel` says by category
//! which are shown; [`limit`] how much a function may log; [`printable`] makes the text of others safe to show.

mod json;
mod limit;
mod printable;
mod record;
mod text;

pub use printable::{cut, printable, printable_line};

use crate::app::{LogLevel, LogLevels, LogLimits};
use crate::sandbox::api::{Failure, Level};
use crate::sandbox::{LogRecord, LogSink};
use jiff::Timestamp;
use limit::{Kind, Limiter, Verdict};
use record::{Content, Record};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where lines go. Shared by all that runs.
#[derive(Debug)]
pub struct Console {
    levels: LogLevels,
    limits: LogLimits,
    limiter: Limiter,
    form: Form,
    /// Gets all records too, as JSON.
    file: Option<Mutex<File>>,
}

/// How records look on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// For a person who watches.
    Coloured,
    Json,
}

/// Of the host itself.
const HOST: &str = "Host.General";
/// Of its start.
const STARTUP: &str = "Host.Startup";
/// Of what an app logs while it is loaded, when no function runs.
const LOADING: &str = "Host.Function";
/// A logger's name that is longer, in bytes, is cut off.
const LONGEST_NAME: usize = 256;

// === impl Console ===

impl Console {
    /// Writes to standard output what `levels` let through, as text; in colour if that is a terminal. `limits` hold for each function.
    #[must_use]
    pub fn new(levels: LogLevels, limits: LogLimits) -> Self {
        let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let form = if coloured { Form::Coloured } else { Form::Text };
        Console { levels, limits, limiter: Limiter::new(limits), form, file: None }
    }

    /// The same, with JSON on standard output.
    #[must_use]
    pub fn as_json(self) -> Self {
        Console { form: Form::Json, ..self }
    }

    /// The same, which also writes JSON to a file.
    #[must_use]
    pub fn with_json_file(self, file: File) -> Self {
        Console { file: Some(Mutex::new(file)), ..self }
    }

    /// Whether a person watches.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.form == Form::Coloured
    }

    /// Whether functions are to log what is for developers. A level for everything (`default`) asks for the host's own: as on Azure, it lets
    /// through what functions log, but does not make them log more.
    pub(super) fn asks_for_debug(&self) -> bool {
        self.levels.asked_of_functions().is_some_and(|level| level <= LogLevel::Debug)
    }

    /// A line of the host's own. Names and errors of an app may be part of it, so it is cut as an app's own records are.
    pub fn host(&self, level: LogLevel, text: &str) {
        let text = cut(text, self.limits.record_bytes);
        self.tell(&Record { level, category: HOST, function: None, invocation_id: None, content: Content::Host(&text) });
    }

    /// Text that stands for itself, such as the list of functions. It is shown at any level.
    pub fn plain(&self, text: &str) {
        self.tell_dropped("");
        let content = Content::Plain(text);
        self.write(&Record { level: LogLevel::Information, category: STARTUP, function: None, invocation_id: None, content });
    }

    /// An entry file that gave no functions, with the reason.
    pub fn no_functions(&self, entry_file: &str, failure: &Failure) {
        let text = format!("no functions: {entry_file} could not be loaded");
        self.tell(&Record {
            level: LogLevel::Error,
            category: STARTUP,
            function: None,
            invocation_id: None,
            content: Content::Host(&text),
        });
        self.failed_as(STARTUP, None, None, failure);
    }

    /// A function that can't be invoked, with the reason.
    pub fn not_loaded(&self, function: &str, failure: &Failure) {
        let text = format!("the function {function} could not be loaded");
        let content = Content::Host(&text);
        self.tell(&Record { level: LogLevel::Error, category: STARTUP, function: Some(function), invocation_id: None, content });
        self.failed_as(STARTUP, Some(function), None, failure);
    }

    /// Why a function failed: three parts on lines of their own, as the Functions host has them.
    pub fn failed(&self, function: &str, invocation_id: Option<&str>, failure: &Failure) {
        self.failed_as(&format!("Function.{function}"), Some(function), invocation_id, failure);
    }

    /// Why no function can be invoked.
    pub fn host_failed(&self, failure: &Failure) {
        self.failed_as(HOST, None, None, failure);
    }

    fn failed_as(&self, category: &str, function: Option<&str>, invocation_id: Option<&str>, failure: &Failure) {
        let part = |text: &str| cut(text, self.limits.record_bytes).into_owned();
        let failure = Failure { kind: part(&failure.kind), message: part(&failure.message), stack: part(&failure.stack) };
        let bytes = failure.kind.len() + failure.message.len() + failure.stack.len();
        let content = Content::Failed(&failure);
        self.tell_within(Kind::Failure, bytes, &Record { level: LogLevel::Error, category, function, invocation_id, content });
    }

    /// The end of an invocation. What was dropped of its records is told before.
    pub fn executed(&self, function: &str, invocation_id: &str, succeeded: bool, took: Duration) {
        self.tell_dropped(function);
        self.tell(&Record {
            level: if succeeded { LogLevel::Information } else { LogLevel::Error },
            category: &format!("Function.{function}"),
            function: Some(function),
            invocation_id: Some(invocation_id),
            content: Content::Executed { succeeded, took },
        });
    }

    /// Writes a record, if its category and level are shown.
    fn tell(&self, record: &Record<'_>) {
        if record.level >= self.levels.level(record.category) {
            self.write(record);
        }
    }

    /// The same, if its function has not logged too much.
    fn tell_within(&self, kind: Kind, bytes: usize, record: &Record<'_>) {
        if record.level < self.levels.level(record.category) {
            return;
        }
        let function = record.function.unwrap_or_default();
        if let Verdict::Written { dropped } = self.limiter.take(function, kind, bytes) {
            self.say_dropped(function, dropped);
            self.write(record);
        }
    }

    /// Tells what was dropped of a function's records, if it has not been told.
    fn tell_dropped(&self, function: &str) {
        self.say_dropped(function, self.limiter.dropped(function));
    }

    fn say_dropped(&self, function: &str, dropped: u64) {
        let Some(bytes) = self.limits.bytes_a_second.filter(|_| dropped > 0) else { return };
        let (function, category) = match function {
            "" => (None, STARTUP.to_owned()),
            function => (Some(function), format!("Function.{function}")),
        };
        let whose = function.unwrap_or("the app, which is loaded");
        let records = if dropped == 1 { "record" } else { "records" };
        let text = format!(
            "dropped {dropped} {records} of {whose}: more than {} KiB a second (host.json's snapfunc.logs.maxKbPerSecond sets the limit)",
            bytes >> 10
        );
        self.tell(&Record { level: LogLevel::Warning, category: &category, function, invocation_id: None, content: Content::Host(&text) });
    }

    /// Writes whole lines in one piece. A console that is gone is no reason to stop.
    fn write(&self, record: &Record<'_>) {
        let as_json = || json::json(record, Timestamp::now());
        let lines = match self.form {
            Form::Text => text::text(record, false),
            Form::Coloured => text::text(record, true),
            Form::Json => as_json(),
        };
        let mut out = io::stdout().lock();
        let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
        drop(out);
        if let Some(file) = &self.file {
            let lines = if self.form == Form::Json { lines } else { as_json() };
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines.as_bytes());
        }
    }
}

impl LogSink for Console {
    fn record(&self, record: &LogRecord<'_>) {
        let text = cut(record.text, self.limits.record_bytes);
        let category = record.running.map_or_else(|| LOADING.to_owned(), |running| user_category(&running.function));
        let told = Record {
            level: level_of(record.level),
            category: &category,
            function: record.running.map(|running| running.function.as_str()),
            invocation_id: record.running.map(|running| running.invocation_id.as_str()),
            content: Content::Logged { text: &text, logger: &cut(record.logger, LONGEST_NAME) },
        };
        self.tell_within(Kind::Logged, text.len(), &told);
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
