//! host.json's `logging.logLevel`: which of the app's records are shown.

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
    categories: Vec<(String, LogLevel)>,
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
}

// === impl LogLevels ===

impl LogLevels {
    /// The least level that is shown of a category: that of the longest configured name it begins with, ignoring case, else that of
    /// `default` (host-contract, "Console"; .NET's logger filter rules).
    pub fn level(&self, category: &str) -> LogLevel {
        let begins = |name: &str| category.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        let longest = self.categories.iter().filter(|(name, _)| begins(name)).max_by_key(|(name, _)| name.len());
        longest.map_or(self.default, |(_, level)| *level)
    }

    /// The least of the levels that are configured for categories that begin so.
    pub fn least_of(&self, head: &str) -> Option<LogLevel> {
        let begins = |name: &str| name.get(..head.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(head));
        self.categories.iter().filter(|(name, _)| begins(name)).map(|(_, level)| *level).min()
    }

    /// The same with another level for everything that has no level of its own, and so for what functions log.
    pub fn with_default(mut self, default: LogLevel) -> LogLevels {
        self.default = default;
        if !self.categories.iter().any(|(name, _)| name.eq_ignore_ascii_case("Function")) {
            self.categories.push(("Function".to_owned(), default));
        }
        self
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
