//! OData filters of the table service: `PartitionKey eq 'a' and (Age ge 18 or not Blocked)`.
//!
//! `lexer` makes tokens of a text, `parse` a [`Filter`] of tokens, `value` says what can be compared, `evaluate` holds entities against a filter.
//! No text makes any of these panic or recurse without a bound.
//!
//! A comparison with a property that an entity doesn't have, or that is of another type, is false; numbers of all types compare with each other.

mod evaluate;
mod lexer;
mod parse;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;
use value::Value;

/// What entities must fulfil.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// All of at least two.
    And(Vec<Filter>),
    /// One of at least two.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Operand, Operator, Operand),
    /// A boolean alone.
    Holds(Operand),
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Property(String),
    Value(Value),
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

// === impl Operator ===

impl Operator {
    const ALL: [(&'static str, Operator); 6] = [
        ("eq", Operator::Equal),
        ("ne", Operator::NotEqual),
        ("gt", Operator::Greater),
        ("ge", Operator::GreaterOrEqual),
        ("lt", Operator::Less),
        ("le", Operator::LessOrEqual),
    ];

    fn named(word: &str) -> Option<Operator> {
        Operator::ALL.iter().find(|(name, _)| *name == word).map(|(_, operator)| *operator)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Operator::ALL.iter().find(|(_, operator)| operator == self).map_or("", |(name, _)| name))
    }
}

// === impl Filter ===

/// As it can be read again. All that is not a comparison is in parentheses.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Filter::And(parts) => (parts, " and "),
            Filter::Or(parts) => (parts, " or "),
            Filter::Not(inner) => return write!(f, "not ({inner})"),
            Filter::Compare(left, operator, right) => return write!(f, "{left} {operator} {right}"),
            Filter::Holds(operand) => return write!(f, "{operand}"),
        };
        for (index, part) in parts.iter().enumerate() {
            write!(f, "{}({part})", if index == 0 { "" } else { word })?;
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Property(name) => f.write_str(name),
            Operand::Value(value) => write!(f, "{value}"),
        }
    }
}
