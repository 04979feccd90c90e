//! Why functions can't be routed, in words for the person who wrote the route.

use super::constraint::KNOWN;
use thiserror::Error;

/// Functions that an error names.
const MOST_NAMES: usize = 20;

/// Why one or several functions have no route.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RouteError {
    /// host.json's prefix is no template.
    #[error("functions {}: `extensions.http.routePrefix` in host.json, `{prefix}`, {problem}", list(.functions))]
    Prefix {
        /// All HTTP-triggered functions.
        functions: Vec<String>,
        /// As it is in host.json.
        prefix: String,
        /// What is wrong with it.
        problem: TemplateError,
    },
    /// A function's route is no template, or none below this prefix.
    #[error("function `{function}`: its route `{template}` {problem}")]
    Template {
        /// The function's name.
        function: String,
        /// As the user wrote it.
        template: String,
        /// What is wrong with it.
        problem: TemplateError,
    },
    /// The route is where the host's own API is.
    #[error(
        "function `{function}`: its route `{template}` is at `{path}`, but what begins with `admin` or `runtime` is the host's own: choose another word"
    )]
    Reserved {
        /// The function's name.
        function: String,
        /// As the user wrote it.
        template: String,
        /// With the prefix.
        path: String,
    },
    /// Several functions at one place.
    #[error("functions {} all have the route `{template}` with methods in common: give each a route or methods of its own", list(.functions))]
    Conflict {
        /// Their names.
        functions: Vec<String>,
        /// The first one's, as the user wrote it.
        template: String,
    },
}

/// What is wrong with a template: goes on a sentence that named it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// `~/a`
    #[error("begins with `~`, which Azure Functions has no use for: begin it with the first word")]
    Tilde,
    /// `a//b`
    #[error("has two slashes in a row: remove one")]
    EmptySegment,
    /// `a?`
    #[error("has a `?` outside of braces: a parameter that may be left out is `{{name?}}`, and queries are no part of a route")]
    QuestionMark,
    /// `a}`
    #[error("has a `}}` without its `{{`: add that, or write `}}}}` where a brace is meant as text")]
    Unopened,
    /// `{a`
    #[error("has a `{{` without its `}}`: add that, or write `{{{{` where a brace is meant as text")]
    Unclosed,
    /// `{a{b}`
    #[error("has a `{{` inside of braces: write `{{{{` and `}}}}` for those that are part of a constraint or a default")]
    Nested,
    /// `{}`, `{a?b}`
    #[error("has a parameter with the name `{0}`: give it one without any of `/ {{ }} ? *`")]
    Name(String),
    /// `{a}/{A}`
    #[error("has the parameter `{0}` twice (upper and lower case are the same): rename one")]
    Duplicate(String),
    /// `{a}{b}`
    #[error("has nothing between the parameters `{0}` and `{1}`: put a slash or a text between them")]
    Adjacent(String, String),
    /// `{*a}/b`
    #[error("goes on after `{{*{0}}}`, which takes all the rest: move that to the end")]
    CatchAllNotLast(String),
    /// `a{*b}`
    #[error("has other text beside `{{*{0}}}`: put a slash between them")]
    CatchAllBesideText(String),
    /// `{*a?}`
    #[error("has a `?` in `{{*{0}}}`, which matches nothing too: remove the `?`")]
    OptionalCatchAll(String),
    /// `{a=1?}`
    #[error("has both a default and a `?` for the parameter `{0}`: remove one of the two")]
    OptionalWithDefault(String),
    /// `{a?}-b`, `{a}-{b?}`
    #[error("has the optional parameter `{0}` beside other text: it may only be last, after a single `.` that follows a parameter")]
    OptionalBesideText(String),
    /// A prefix of more than so many bytes.
    #[error("is longer than {0} bytes: shorten it")]
    LongPrefix(usize),
    /// `{a:foo}`
    #[error("has the parameter `{parameter}` with the constraint `{constraint}`, which {problem}")]
    Constraint {
        /// The parameter's name.
        parameter: String,
        /// As it is in the template.
        constraint: String,
        /// What is wrong with it.
        problem: ConstraintError,
    },
}

/// What is wrong with a constraint: goes on a sentence that named it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConstraintError {
    /// `foo`
    #[error("is unknown: use one of {}", KNOWN.join(", "))]
    Unknown,
    /// `length(3`, `length(3)x`
    #[error("needs a `)` at its end, and `:`, `=`, `?` or `}}` next: close it there")]
    Parenthesis,
    /// `int(3)`
    #[error("takes nothing in parentheses: remove them")]
    NoArguments,
    /// `min`, `range(1)`
    #[error("needs {0}")]
    Arguments(&'static str),
    /// `range(2,1)`
    #[error("has a first number above the second: swap them")]
    Order,
    /// `regex([)`
    #[error("is no regular expression that can be used ({0}): correct or simplify it")]
    Regex(String),
}

// === impl RouteError ===

impl RouteError {
    /// The functions that can't be routed because of it.
    #[must_use]
    pub fn functions(&self) -> Vec<&str> {
        match self {
            RouteError::Prefix { functions, .. } | RouteError::Conflict { functions, .. } => functions.iter().map(String::as_str).collect(),
            RouteError::Template { function, .. } | RouteError::Reserved { function, .. } => vec![function],
        }
    }
}

/// `` `a`, `b` and `c` ``. Of many it names the first: each of them may be told all of it.
fn list(names: &[String]) -> String {
    let mut listed: Vec<_> = names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST_NAMES {
        listed.push(format!("{} others", names.len() - MOST_NAMES));
    }
    match listed.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => listed.concat(),
    }
}
