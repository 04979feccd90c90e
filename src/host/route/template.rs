//! A template that has been read: its segments, how it ranks among others, and when two are the same.

use super::constraint::Constraint;
use super::error::TemplateError;
use std::collections::HashSet;
use std::fmt::Write;

/// A route's template with the prefix. At most its last segment is a catch-all, and no two parameters have the same name.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) segments: Vec<Segment>,
}

/// What is between two slashes.
#[derive(Debug, Clone)]
pub(super) enum Segment {
    Literal(String),
    Parameter(Parameter),
    /// Two parts or more: texts and parameters by turns.
    Complex(Vec<Part>),
    /// `{*rest}`
    CatchAll(Parameter),
}

/// A part of a complex segment.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Literal(String),
    /// Optional at most where it is the last part and a `.` is before it.
    Parameter(Parameter),
}

/// What braces hold.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) absence: Absence,
    pub(super) constraints: Vec<Constraint>,
}

/// What there is where the path has nothing for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Absence {
    /// No match. For a catch-all: no value.
    Missing,
    /// No value.
    Allowed,
    /// This one.
    Default(String),
}

// === impl Template ===

impl Template {
    /// A route below a prefix.
    pub(super) fn join(prefix: &[Segment], own: Vec<Segment>) -> Result<Template, TemplateError> {
        let mut segments = prefix.to_vec();
        segments.extend(own);
        let template = Template { segments };
        template.check_names()?;
        template.check_catch_all()?;
        Ok(template)
    }

    fn check_names(&self) -> Result<(), TemplateError> {
        let mut seen = HashSet::new();
        for parameter in self.segments.iter().flat_map(Segment::parameters) {
            if !seen.insert(folded(&parameter.name)) {
                return Err(TemplateError::Duplicate(parameter.name.clone()));
            }
        }
        Ok(())
    }

    fn check_catch_all(&self) -> Result<(), TemplateError> {
        let before_last = self.segments.split_last().map_or(&[][..], |(_, rest)| rest);
        match before_last.iter().find_map(|segment| if let Segment::CatchAll(parameter) = segment { Some(parameter) } else { None }) {
            Some(parameter) => Err(TemplateError::CatchAllNotLast(parameter.name.clone())),
            None => Ok(()),
        }
    }

    /// The smaller one is tried first. One digit a segment, as ASP.NET does, so that the first segment that differs decides.
    pub(super) fn rank(&self) -> Vec<u8> {
        self.segments.iter().map(Segment::rank).collect()
    }

    /// Equal for templates that match the same paths because they differ in case and in names of parameters only.
    pub(super) fn shape(&self) -> String {
        let mut shape = String::new();
        for segment in &self.segments {
            shape.push('/');
            segment.write_shape(&mut shape);
        }
        shape
    }

    /// Whether it begins with this word.
    pub(super) fn begins_with(&self, word: &str) -> bool {
        matches!(self.segments.first(), Some(Segment::Literal(first)) if folded(first) == folded(word))
    }
}

// === impl Segment ===

impl Segment {
    fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let (one, parts) = match self {
            Segment::Literal(_) => (None, &[][..]),
            Segment::Parameter(parameter) | Segment::CatchAll(parameter) => (Some(parameter), &[][..]),
            Segment::Complex(parts) => (None, parts.as_slice()),
        };
        let several = parts.iter().filter_map(|part| if let Part::Parameter(parameter) = part { Some(parameter) } else { None });
        one.into_iter().chain(several)
    }

    fn rank(&self) -> u8 {
        let constrained = self.parameters().any(|parameter| !parameter.constraints.is_empty());
        match (self, constrained) {
            (Segment::Literal(_), _) => 1,
            (Segment::Complex(_), true) => 2,
            (Segment::Parameter(_), true) => 3,
            (Segment::Complex(_), false) => 4,
            (Segment::Parameter(_), false) => 5,
            (Segment::CatchAll(_), true) => 6,
            (Segment::CatchAll(_), false) => 7,
        }
    }

    fn write_shape(&self, shape: &mut String) {
        match self {
            Segment::Literal(text) => write_literal(shape, text),
            Segment::Parameter(parameter) => parameter.write_shape(shape, ""),
            Segment::CatchAll(parameter) => parameter.write_shape(shape, "*"),
            Segment::Complex(parts) => {
                for part in parts {
                    match part {
                        Part::Literal(text) => write_literal(shape, text),
                        Part::Parameter(parameter) => parameter.write_shape(shape, ""),
                    }
                }
            }
        }
    }
}

// === impl Parameter ===

impl Parameter {
    fn write_shape(&self, shape: &mut String, mark: &str) {
        // The order of constraints does not matter, nor does what stands for a value that is left out.
        let mut constraints: Vec<_> = self.constraints.iter().map(|constraint| format!("{constraint:?}")).collect();
        constraints.sort_unstable();
        let absent = if self.absence == Absence::Missing { "" } else { "?" };
        // A String takes all that is written to it.
        let _ = write!(shape, "{{{mark}:{}{absent}}}", constraints.join(":"));
    }
}

/// Braces are doubled, so that no text looks like a parameter.
fn write_literal(shape: &mut String, text: &str) {
    shape.push_str(&folded(text).replace('{', "{{").replace('}', "}}"));
}

fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// What two letters have in common that differ in case only: the upper one where that is a single letter. As in .NET's ordinal comparison no other
/// letter is the same as an ASCII one, although `ſ` has the upper case `S`.
pub(super) fn fold(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) if only.is_ascii() == letter.is_ascii() => only,
        _ => letter,
    }
}
