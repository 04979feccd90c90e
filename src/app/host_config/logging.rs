//! host.json's `logging.logLevel`: which of the app's records are shown; and `snapfunc.logs`: how much.

use crate::app::fields::Node;
use crate::app::origin::FieldError;

/// A record's severity, or the least that is shown. In order: `Trace` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LogLevel {
    /// Everything; Python's DEBUG.
    Trace,
    /// For developers.
    Debug,
    /// The default; Python's INFO.
    #[default]
    Information,
    /// Python's WARNING.
    Warning,
    /// Python's ERROR.
    Error,
    /// Python's CRITICAL.
    Critical,
    /// As a least level: nothing is shown.
    None,
}

/// The least level that is shown, by category: `Function`, `Function.hello.User`, `Host`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogLevels {
    default: LogLevel,
    /// Of what functions log, where it is not `default`.
    user: Option<LogLevel>,
    categories: Vec<(String, LogLevel)>,
}

/// How much each function may log: `snapfunc.logs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Bytes of one record's text; the rest is cut off. `maxRecordKb`: 1 to 16,384. Default 256.
    pub record_bytes: usize,
    /// Bytes of all its records in a second, over some time; what is beyond is dropped and counted. `None` (-1): no limit. `maxKbPerSecond`: 1 to
    /// 1,048,576. Default 4096, which is 40,000 lines of 100 bytes.
    pub bytes_a_second: Option<u64>,
}

const LEVELS: [(&str, LogLevel); 7] = [
    ("Trace", LogLevel::Trace),
    ("Debug", LogLevel::Debug),
    ("Information", LogLevel::Information),
    ("Warning", LogLevel::Warning),
    ("Error", LogLevel::Error),
    ("Critical", LogLevel::Critical),
    ("None", LogLevel::None),
];

// === impl LogLevel ===

impl LogLevel {
    /// The level of that name, in any case.
    pub fn from_name(name: &str) -> Option<LogLevel> {
        LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == self).map_or("None", |(name, _)| name)
    }
}

// === impl LogLevels ===

impl LogLevels {
    /// The least level that is shown of a category: that of the longest configured name it begins with, ignoring case, else that of
    /// `default` (host-contract, "Console"; .NET's logger filter rules).
    pub fn level(&self, category: &str) -> LogLevel {
        let begins = |name: &str| category.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        let longest = self.categories.iter().filter(|(name, _)| begins(name)).max_by_key(|(name, _)| name.len());
        longest.map_or_else(|| self.user.filter(|_| is_of_users(category)).unwrap_or(self.default), |(_, level)| *level)
    }

    /// The least level that is asked for of what functions log: by a category of theirs, or apart.
    pub fn asked_of_functions(&self) -> Option<LogLevel> {
        let begins = |name: &str| name.get(..8).is_some_and(|beginning| beginning.eq_ignore_ascii_case("Function"));
        self.categories.iter().filter(|(name, _)| begins(name)).map(|(_, level)| *level).chain(self.user).min()
    }

    /// The same with another level for what functions log, where no category says it: `--user-log-level` of Core Tools, which leaves what the host itself
    /// says alone.
    pub fn with_user_default(self, level: LogLevel) -> LogLevels {
        LogLevels { user: Some(level), ..self }
    }

    /// Reads the `logLevel` object.
    pub(super) fn read(node: &Node<'_>) -> Result<LogLevels, FieldError> {
        let mut levels = LogLevels::default();
        for (category, node) in node.members().into_iter().filter(|(_, node)| !node.value().is_null()) {
            let one_of = "one of Trace, Debug, Information, Warning, Error, Critical and None";
            let level = LogLevel::from_name(node.text()?.trim()).ok_or_else(|| node.expected(one_of))?;
            if category.eq_ignore_ascii_case("default") {
                levels.default = level;
            } else {
                levels.categories.push((category.to_owned(), level));
            }
        }
        Ok(levels)
    }
}

// === impl LogLimits ===

impl Default for LogLimits {
    fn default() -> Self {
        LogLimits { record_bytes: 256 << 10, bytes_a_second: Some(4 << 20) }
    }
}

impl LogLimits {
    /// Reads the `snapfunc.logs` object.
    pub(super) fn read(node: &Node<'_>) -> Result<LogLimits, FieldError> {
        let mut limits = LogLimits::default();
        for (key, value) in node.members().into_iter().filter(|(_, value)| !value.value().is_null()) {
            match key.to_ascii_lowercase().as_str() {
                "maxrecordkb" => limits.record_bytes = usize::try_from(value.integer(1, 16_384)? << 10).unwrap_or(usize::MAX),
                "maxkbpersecond" => limits.bytes_a_second = rate(&value)?,
                _ => return Err(value.error("is not an option of snapfunc.logs: there are maxRecordKb and maxKbPerSecond")),
            }
        }
        Ok(limits)
    }
}

/// What functions log, and apps while they are loaded.
fn is_of_users(category: &str) -> bool {
    let ends = |end: &str| {
        category.len().checked_sub(end.len()).and_then(|at| category.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    ends(".User") || category == "Host.Function"
}

fn rate(node: &Node<'_>) -> Result<Option<u64>, FieldError> {
    let wrong = || node.expected("a whole number from 1 to 1048576, or -1 for no limit");
    match node.integer(-1, 1 << 20).map_err(|_| wrong())? {
        0 => Err(wrong()),
        number => Ok(u64::try_from(number).ok().map(|kilobytes| kilobytes << 10)),
    }
}
