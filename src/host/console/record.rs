//! What is written, whatever its form: one record.

use crate::app::LogLevel;
use crate::sandbox::api::Failure;
use std::time::Duration;

/// One record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) level: LogLevel,
    /// As host.json's `logging.logLevel` names it.
    pub(super) category: &'a str,
    pub(super) function: Option<&'a str>,
    pub(super) invocation_id: Option<&'a str>,
    pub(super) content: Content<'a>,
}

/// What it says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// What a function logs.
    Logged {
        /// Its own.
        text: &'a str,
        /// The logger's name in Python; `stdout` and `stderr` for what was printed.
        logger: &'a str,
    },
    /// Something of the host's own.
    Host(&'a str),
    /// Lines that stand for themselves.
    Plain(&'a str),
    /// Why an invocation failed.
    Failed(&'a Failure),
    /// How one ended.
    Executed {
        /// Whether it did not fail.
        succeeded: bool,
        /// How long it took.
        took: Duration,
    },
}
