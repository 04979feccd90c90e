//! Why a text is no binding expression, or can't be filled in.

use thiserror::Error;

/// What is wrong with an expression. Those of reading it go on a sentence that named it; those of evaluating it stand alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    /// `50%`
    #[error("has a `%` without another: app settings are written `%NAME%`, and there is no way to write a `%` as text")]
    UnclosedSetting,
    /// `%%`
    #[error("has `%%`, which names no app setting: write `%NAME%`; there is no way to write a `%` as text")]
    UnnamedSetting,
    /// `%NAME%`
    #[error("has `%{0}%`, but there is no app setting `{0}`: add it")]
    MissingSetting(String),
    /// `a}`
    #[error("has a `}}` without its `{{`: add that, or write `}}}}` where a brace is meant as text")]
    Unopened,
    /// `{a`
    #[error("has a `{{` without its `}}`: add that, or write `{{{{` where a brace is meant as text")]
    Unclosed,
    /// `{}`
    #[error("has braces with nothing in them: write a name, or `{{{{}}}}` where braces are meant as text")]
    NoName,
    /// `{a b}`, `{a..b}`
    #[error("has `{{{0}}}`, which is no name: write letters, digits and `_`, with dots between the names of an object's parts")]
    Name(String),
    /// `{rand-guid:x}`
    #[error("has a GUID's format `{0}`, which is none: write `{{rand-guid:N}}`, or D, B or P in place of N")]
    GuidFormat(String),
    /// `{DateTime:q}`
    #[error("has a date's format `{format}`, which {problem}")]
    DateFormat {
        /// As it is written.
        format: String,
        /// What is wrong with it.
        problem: DateFormatError,
    },
    /// When evaluating: nothing has that name. The sentence is the SDK's.
    #[error("No value for named parameter '{0}'.")]
    NoValue(String),
    /// When evaluating: what was found has no such part. The sentence is the SDK's.
    #[error("Error while accessing '{0}': property doesn't exist.")]
    NoPart(String),
    /// When evaluating: a value that is not one piece of text.
    #[error("The value of '{name}' is {kind}, which can't be part of a text: name one of its parts, like {{{name}.id}}.")]
    NotText {
        /// As it is in the braces.
        name: String,
        /// What it is.
        kind: &'static str,
    },
}

/// What is wrong with a date's format: goes on a sentence that named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DateFormatError {
    /// `q`, `H`: one letter alone is one of the standard formats.
    #[error("is no standard format: write o, s, u or r, or a format of several letters like yyyy-MM-dd")]
    Standard,
    /// `'a`
    #[error("has a quote without another: add it")]
    Quote,
    /// `a\`
    #[error("ends in a `\\`: write the character that it is for")]
    Escape,
    /// `ffffffff`
    #[error("has more than seven `f`: a second has seven places there")]
    Fraction,
    /// `yyyyyyyyyy`
    #[error("has more than nine `y` in a row: four are a whole year")]
    Year,
}

// === impl ExpressionError ===

impl ExpressionError {
    /// The same, without texts that are not in `written`: they came out of a setting, whose value may be a secret.
    pub(super) fn without_text_beyond(self, written: &str) -> ExpressionError {
        let shown = |text: String| if written.contains(&text) { text } else { "…".to_owned() };
        match self {
            ExpressionError::Name(name) => ExpressionError::Name(shown(name)),
            ExpressionError::GuidFormat(format) => ExpressionError::GuidFormat(shown(format)),
            ExpressionError::DateFormat { format, problem } => ExpressionError::DateFormat { format: shown(format), problem },
            other => other,
        }
    }
}
