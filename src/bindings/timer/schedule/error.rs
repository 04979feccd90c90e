//! Why a text is no schedule, in words for the person who wrote it.

use super::field::Unit;
use crate::app::TimeSpanError;
use thiserror::Error;

/// What is wrong with a schedule: goes on a sentence that named it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Nothing there.
    #[error("is empty: write six fields like `0 */5 * * * *` (second, minute, hour, day, month, weekday), or a time span like `00:05:00`")]
    Empty,
    /// `@daily`
    #[error("is `{0}`, but there are no such words here: write six fields, `0 0 0 * * *` for every midnight")]
    Word(String),
    /// Neither five nor six fields.
    #[error("has {count} field{}, but needs six like `0 */5 * * * *`: second, minute, hour, day, month, weekday", if *.count == 1 { "" } else { "s" })]
    Fields {
        /// How many there are.
        count: usize,
    },
    /// A field that can't be read.
    #[error("has `{text}` as its {unit}, but {problem}")]
    Field {
        /// Which one.
        unit: Unit,
        /// As it is written.
        text: String,
        /// What is wrong with it.
        problem: FieldProblem,
    },
    /// `00:75:00`
    #[error("{0}")]
    Span(#[from] TimeSpanError),
    /// `00:00:00`, `-00:05:00`
    #[error("must be a time span of more than nothing, like `00:05:00`")]
    NotPositive,
}

/// What is wrong with a field: goes on a sentence that named it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldProblem {
    /// `1,,2`, `-5`, `1-`
    #[error("nothing is on one side of a `,`, `-` or `/`: {}", .0.range())]
    Missing(Unit),
    /// `25`, `Mo1`, `x`, `1-2-3`
    #[error("`{value}` is none: {}", .unit.range())]
    Value {
        /// What the field counts.
        unit: Unit,
        /// As it is written.
        value: String,
    },
    /// `7` as a weekday.
    #[error("7 is none: Sunday is 0")]
    Seven,
    /// `?`, `L`, `15W`, `5#2`
    #[error("`{0}` is unknown here: use `*`, numbers, lists, ranges and steps")]
    Foreign(char),
    /// `*/x`
    #[error("`{0}` is no step: that is a whole number, as in `*/5`")]
    Step(String),
}
