//! Constraints of parameters: `{id:int}`, `{code:length(2,4)}`, and which values fit them.

use super::error::ConstraintError;
use super::{date_time, number};
use regex::{Regex, RegexBuilder};
use uuid::Uuid;

/// The names, for who took another.
pub(super) const KNOWN: [&str; 19] = [
    "alpha",
    "bool",
    "datetime",
    "decimal",
    "double",
    "file",
    "float",
    "guid",
    "int",
    "length",
    "long",
    "max",
    "maxlength",
    "min",
    "minlength",
    "nonfile",
    "range",
    "regex",
    "required",
];

/// Bytes that a compiled expression may take. `\w{1,200}` takes half of them, since all letters of Unicode are in it; `\w{1,9999}` is refused.
const REGEX_SIZE: usize = 16 << 20;
/// Bytes that a compiled expression is tried to fit in first: most do.
const SMALL_REGEX: usize = 16 << 10;
/// Bytes that all expressions of an app may take: a few letters may stand for the most that one can take.
const ALL_REGEXES: usize = 64 << 20;
/// Bytes of the longest expression. While it is read each `\w` takes some KiB.
const LONGEST_REGEX: usize = 8 << 10;

const ONE_NUMBER: &str = "one whole number in parentheses, as in `min(1)`";
const TWO_NUMBERS: &str = "two whole numbers in parentheses, as in `range(1,9)`";
const ONE_LENGTH: &str = "one whole number from 0 in parentheses, as in `maxlength(8)`";
const LENGTHS: &str = "one or two whole numbers from 0 in parentheses, as in `length(2,4)`";
const PATTERN: &str = "an expression in parentheses, as in `regex(^[a-z]+$)`";

/// What a value must be. Lengths are in UTF-16 units, as .NET counts.
#[derive(Debug, Clone)]
pub(super) enum Constraint {
    Int,
    Long,
    Bool,
    Guid,
    Alpha,
    DateTime,
    Decimal,
    /// `double` and `float`: .NET reads the same texts for both, and what is too large as infinity.
    Float,
    Min(i64),
    Max(i64),
    Range(i64, i64),
    Length(usize, usize),
    MinLength(usize),
    MaxLength(usize),
    Regex(Regex),
    Required,
    /// The last part of the value has a dot with something after it.
    File,
    NonFile,
}

/// What an app's expressions may still take, in bytes.
#[derive(Debug)]
pub(super) struct Room(usize);

// === impl Room ===

impl Default for Room {
    fn default() -> Self {
        Room(ALL_REGEXES)
    }
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), ConstraintError> {
        let too_much = || ConstraintError::Regex(format!("those of all routes would take more than {} MiB", ALL_REGEXES >> 20));
        self.0 = self.0.checked_sub(bytes).ok_or_else(too_much)?;
        Ok(())
    }
}

// === impl Constraint ===

impl Constraint {
    /// Reads a name, in any case, and its argument in parentheses.
    pub(super) fn parse(text: &str, room: &mut Room) -> Result<Constraint, ConstraintError> {
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or(ConstraintError::Parenthesis)?)),
            None => (text, None),
        };
        let name = name.to_ascii_lowercase();
        match (simple(&name), argument) {
            (Some(constraint), None) => Ok(constraint),
            (Some(_), Some(_)) => Err(ConstraintError::NoArguments),
            (None, argument) => with_argument(&name, argument, room),
        }
    }

    /// Whether a value may be here.
    pub(super) fn accepts(&self, value: &str) -> bool {
        match self {
            Constraint::Int => number::integer::<i32>(value).is_some(),
            Constraint::Long => number::integer::<i64>(value).is_some(),
            Constraint::Bool => ["true", "false"].iter().any(|word| number::trim(value).eq_ignore_ascii_case(word)),
            Constraint::Guid => is_guid(number::trim(value)),
            Constraint::Alpha => value.bytes().all(|byte| byte.is_ascii_alphabetic()),
            Constraint::DateTime => date_time::is_date_time(value),
            Constraint::Decimal => number::is_decimal(value),
            Constraint::Float => number::is_float(value),
            Constraint::Min(least) => number::integer::<i64>(value).is_some_and(|value| value >= *least),
            Constraint::Max(most) => number::integer::<i64>(value).is_some_and(|value| value <= *most),
            Constraint::Range(least, most) => number::integer::<i64>(value).is_some_and(|value| (*least..=*most).contains(&value)),
            Constraint::Length(least, most) => (*least..=*most).contains(&length(value)),
            Constraint::MinLength(least) => length(value) >= *least,
            Constraint::MaxLength(most) => length(value) <= *most,
            Constraint::Regex(regex) => regex.is_match(value),
            Constraint::Required => !value.is_empty(),
            Constraint::File => is_file(value),
            Constraint::NonFile => !is_file(value),
        }
    }

    /// Whether there may be no value, which only a catch-all asks: an optional parameter's constraints hold for values only.
    pub(super) fn accepts_nothing(&self) -> bool {
        matches!(self, Constraint::NonFile)
    }
}

fn simple(name: &str) -> Option<Constraint> {
    Some(match name {
        "int" => Constraint::Int,
        "long" => Constraint::Long,
        "bool" => Constraint::Bool,
        "guid" => Constraint::Guid,
        "alpha" => Constraint::Alpha,
        "datetime" => Constraint::DateTime,
        "decimal" => Constraint::Decimal,
        "double" | "float" => Constraint::Float,
        "required" => Constraint::Required,
        "file" => Constraint::File,
        "nonfile" => Constraint::NonFile,
        _ => return None,
    })
}

fn with_argument(name: &str, argument: Option<&str>, room: &mut Room) -> Result<Constraint, ConstraintError> {
    match name {
        "min" => Ok(Constraint::Min(one(argument).ok_or(ConstraintError::Arguments(ONE_NUMBER))?)),
        "max" => Ok(Constraint::Max(one(argument).ok_or(ConstraintError::Arguments(ONE_NUMBER))?)),
        "range" => {
            let (least, most) = two(argument).ok_or(ConstraintError::Arguments(TWO_NUMBERS))?;
            if least > most { Err(ConstraintError::Order) } else { Ok(Constraint::Range(least, most)) }
        }
        "minlength" => Ok(Constraint::MinLength(one(argument).ok_or(ConstraintError::Arguments(ONE_LENGTH))?)),
        "maxlength" => Ok(Constraint::MaxLength(one(argument).ok_or(ConstraintError::Arguments(ONE_LENGTH))?)),
        "length" => {
            let exact = one(argument).map(|length| (length, length));
            let (least, most) = exact.or_else(|| two(argument)).ok_or(ConstraintError::Arguments(LENGTHS))?;
            if least > most { Err(ConstraintError::Order) } else { Ok(Constraint::Length(least, most)) }
        }
        "regex" => regex(argument.ok_or(ConstraintError::Arguments(PATTERN))?, room),
        _ => Err(ConstraintError::Unknown),
    }
}

fn one<N: std::str::FromStr>(argument: Option<&str>) -> Option<N> {
    number::integer(argument?)
}

fn two<N: std::str::FromStr>(argument: Option<&str>) -> Option<(N, N)> {
    let (first, second) = argument?.split_once(',')?;
    Some((number::integer(first)?, number::integer(second)?))
}

/// What a compiled expression takes can't be asked, so it counts as the first of growing sizes that it fits in. Those that it did not fit in count too: trying
/// them takes time.
fn regex(pattern: &str, room: &mut Room) -> Result<Constraint, ConstraintError> {
    if pattern.len() > LONGEST_REGEX {
        return Err(ConstraintError::Regex(format!("it is longer than {LONGEST_REGEX} bytes")));
    }
    let mut size = SMALL_REGEX;
    loop {
        room.take(size)?;
        match RegexBuilder::new(pattern).case_insensitive(true).size_limit(size).build() {
            Ok(regex) => return Ok(Constraint::Regex(regex)),
            Err(regex::Error::CompiledTooBig(_)) if size < REGEX_SIZE => size *= 4,
            Err(error) => {
                // The crate draws the pattern with a marker below it; its last line says why.
                let drawing = error.to_string();
                let reason = drawing.lines().last().unwrap_or_default();
                return Err(ConstraintError::Regex(reason.strip_prefix("error: ").unwrap_or(reason).to_owned()));
            }
        }
    }
}

/// 32 digits, with hyphens or without, the hyphenated also in braces or parentheses.
fn is_guid(value: &str) -> bool {
    let enclosed = |open, close| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    match enclosed('{', '}').or_else(|| enclosed('(', ')')) {
        Some(inner) => inner.len() == 36 && Uuid::try_parse(inner).is_ok(),
        // `urn:uuid:…` is longer, and not for .NET.
        None => matches!(value.len(), 32 | 36) && Uuid::try_parse(value).is_ok(),
    }
}

fn is_file(value: &str) -> bool {
    let last = value.rsplit('/').next().unwrap_or_default();
    last.split_once('.').is_some_and(|(_, after)| after.contains(|letter| letter != '.'))
}

fn length(value: &str) -> usize {
    value.encode_utf16().count()
}
