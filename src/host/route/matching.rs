//! Holds a path against a template, as ASP.NET Core does.
//!
//! Each step takes time in proportion to the path: complex segments are matched from the right, each text at its last occurrence, and never tried
//! again with another one. So `{a}-{b}` has all hyphens but the last in `a`, `v{n}` does not match `v1v2`, and constraints judge what came out, they
//! don't make it look further.

use super::template::{Absence, Parameter, Part, Segment, Template, fold};
use percent_encoding::{percent_decode_str, percent_encode_byte};
use std::borrow::Cow;

/// A path that [`decode`] has been over, in its segments.
#[derive(Debug)]
pub(super) struct Path<'p> {
    /// Without the slash it begins with.
    text: &'p str,
    /// One slash at the end does not count.
    segments: Vec<&'p str>,
}

/// What parameters took.
pub(super) type Captures<'c> = Vec<(&'c Parameter, &'c str)>;

// === impl Path ===

impl<'p> Path<'p> {
    /// Nothing where it does not begin with a slash: `OPTIONS *`.
    pub(super) fn of(decoded: &'p str) -> Option<Path<'p>> {
        let text = decoded.strip_prefix('/')?;
        let segments = if text.is_empty() { Vec::new() } else { text.strip_suffix('/').unwrap_or(text).split('/').collect() };
        Some(Path { text, segments })
    }

    /// All from a segment on, with a slash at the end if there is one. Nothing where there are no more.
    fn rest(&self, from: usize) -> Option<&'p str> {
        let before = self.segments.get(..from).filter(|before| before.len() < self.segments.len())?;
        self.text.get(before.iter().map(|segment| segment.len() + 1).sum()..)
    }
}

/// Decodes a path as the server of the Functions host does: once and as UTF-8, where slashes (`%2F`) and bytes that are no UTF-8 stay encoded. So all
/// slashes of the result are those of the path.
pub(super) fn decode(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.as_bytes().windows(3).position(|bytes| bytes.eq_ignore_ascii_case(b"%2f")) {
        push_decoded(&mut decoded, rest.get(..at).unwrap_or_default());
        decoded.push_str(rest.get(at..at + 3).unwrap_or_default());
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    push_decoded(&mut decoded, rest);
    Cow::Owned(decoded)
}

fn push_decoded(decoded: &mut String, encoded: &str) {
    let bytes = Cow::from(percent_decode_str(encoded));
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|byte| percent_encode_byte(*byte)));
    }
}

// === impl Template ===

impl Template {
    /// Whether a path fits. `captures` then has what parameters took, in the template's order, and else may have anything.
    pub(super) fn matches<'c>(&'c self, path: &Path<'c>, captures: &mut Captures<'c>) -> bool {
        captures.clear();
        for (index, segment) in self.segments.iter().enumerate() {
            if let Segment::CatchAll(parameter) = segment {
                return parameter.capture_rest(path.rest(index), captures) && all_accepted(captures);
            }
            if !segment.matches(path.segments.get(index).copied(), captures) {
                return false;
            }
        }
        path.segments.len() <= self.segments.len() && all_accepted(captures)
    }
}

fn all_accepted(captures: &Captures<'_>) -> bool {
    captures.iter().all(|(parameter, value)| parameter.constraints.iter().all(|constraint| constraint.accepts(value)))
}

// === impl Segment ===

impl Segment {
    fn matches<'c>(&'c self, text: Option<&'c str>, captures: &mut Captures<'c>) -> bool {
        match (self, text) {
            (_, Some("")) => false,
            (Segment::Literal(literal), Some(text)) => strip_prefix(text, literal) == Some(""),
            (Segment::Parameter(parameter) | Segment::CatchAll(parameter), Some(text)) => {
                captures.push((parameter, text));
                true
            }
            (Segment::Parameter(parameter), None) => parameter.capture_nothing(captures),
            (Segment::Complex(parts), Some(text)) => match_complex(parts, text, captures),
            (Segment::Literal(_) | Segment::Complex(_) | Segment::CatchAll(_), None) => false,
        }
    }
}

// === impl Parameter ===

impl Parameter {
    fn capture_nothing<'c>(&'c self, captures: &mut Captures<'c>) -> bool {
        if let Absence::Default(value) = &self.absence {
            captures.push((self, value));
        }
        self.absence != Absence::Missing
    }

    /// For a catch-all, which may also take nothing.
    fn capture_rest<'c>(&'c self, rest: Option<&'c str>, captures: &mut Captures<'c>) -> bool {
        match rest {
            Some(rest) => {
                captures.push((self, rest));
                // ASP.NET wants none of an empty segment where a catch-all begins.
                !rest.starts_with('/')
            }
            None => self.capture_nothing(captures) || self.constraints.iter().all(|constraint| constraint.accepts_nothing()),
        }
    }
}

/// With an optional last part: all parts, else those without it and the dot before it.
fn match_complex<'c>(parts: &'c [Part], text: &'c str, captures: &mut Captures<'c>) -> bool {
    let start = captures.len();
    if match_parts(parts, text, captures) {
        return true;
    }
    captures.truncate(start);
    match parts {
        [rest @ .., Part::Literal(_), Part::Parameter(last)] if last.absence == Absence::Allowed && !rest.is_empty() => {
            !text.ends_with('.') && match_parts(rest, text, captures)
        }
        _ => false,
    }
}

/// From the right. Parameters take one letter at least.
fn match_parts<'c>(parts: &'c [Part], text: &'c str, captures: &mut Captures<'c>) -> bool {
    let start = captures.len();
    let mut left = text;
    let mut waiting: Option<&Parameter> = None;
    for (index, part) in parts.iter().enumerate().rev() {
        match part {
            Part::Parameter(parameter) => waiting = Some(parameter),
            Part::Literal(literal) => {
                let Some((before, after)) = split_at_last(left, literal, waiting.is_some()) else { return false };
                match waiting.take() {
                    Some(parameter) => captures.push((parameter, after)),
                    // Only the last part has no parameter after it.
                    None if index + 1 == parts.len() && after.is_empty() => {}
                    None => return false,
                }
                left = before;
            }
        }
    }
    match waiting {
        Some(_) if left.is_empty() => return false,
        Some(parameter) => captures.push((parameter, left)),
        None if !left.is_empty() => return false,
        None => {}
    }
    if let Some(captured) = captures.get_mut(start..) {
        captured.reverse();
    }
    true
}

/// What is before and after the last occurrence that leaves, if it must, a letter after it.
fn split_at_last<'t>(text: &'t str, literal: &str, leave_one: bool) -> Option<(&'t str, &'t str)> {
    text.char_indices().rev().find_map(|(at, _)| {
        let (before, found) = text.split_at_checked(at)?;
        let after = strip_prefix(found, literal)?;
        (!leave_one || !after.is_empty()).then_some((before, after))
    })
}

/// What is after a text that begins like this, in any case.
fn strip_prefix<'t>(text: &'t str, literal: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in literal.chars() {
        let letter = rest.next()?;
        if letter != wanted && fold(letter) != fold(wanted) {
            return None;
        }
    }
    Some(rest.as_str())
}
