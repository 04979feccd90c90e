//! Reads templates: `products/{category:alpha}/{file}.{ext?}`, `{{` and `}}` for braces that are text.

use super::constraint::{Constraint, Room};
use super::error::{ConstraintError, TemplateError};
use super::template::{Absence, Parameter, Part, Segment};
use std::iter::Peekable;
use std::str::Chars;

/// What braces hold, and whether it takes all the rest.
enum Braced {
    Parameter(Parameter),
    CatchAll(Parameter),
}

/// Reads a template, or a prefix. One slash before it and one after it don't count.
pub(super) fn segments(template: &str, room: &mut Room) -> Result<Vec<Segment>, TemplateError> {
    if template.starts_with('~') {
        return Err(TemplateError::Tilde);
    }
    let mut chars = template.strip_prefix('/').unwrap_or(template).chars().peekable();
    let mut segments = Vec::new();
    while chars.peek().is_some() {
        segments.push(segment(&mut chars, room)?);
    }
    Ok(segments)
}

/// Reads up to the next slash that is not in braces, and that.
fn segment(chars: &mut Peekable<Chars<'_>>, room: &mut Room) -> Result<Segment, TemplateError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    while let Some(next) = chars.next_if(|next| *next != '/') {
        match next {
            '{' | '}' if chars.next_if_eq(&next).is_some() => text.push(next),
            '{' => {
                if !text.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut text)));
                }
                match parameter(&inside(chars)?, room)? {
                    Braced::Parameter(parameter) => parts.push(Part::Parameter(parameter)),
                    Braced::CatchAll(parameter) => return catch_all(parameter, parts.is_empty(), chars),
                }
            }
            '}' => return Err(TemplateError::Unopened),
            '?' => return Err(TemplateError::QuestionMark),
            _ => text.push(next),
        }
    }
    chars.next();
    if !text.is_empty() {
        parts.push(Part::Literal(text));
    }
    of_parts(parts)
}

fn catch_all(parameter: Parameter, first: bool, chars: &mut Peekable<Chars<'_>>) -> Result<Segment, TemplateError> {
    match chars.next() {
        None | Some('/') if first => Ok(Segment::CatchAll(parameter)),
        _ => Err(TemplateError::CatchAllBesideText(parameter.name)),
    }
}

fn of_parts(mut parts: Vec<Part>) -> Result<Segment, TemplateError> {
    if parts.len() > 1 {
        check_neighbours(&parts)?;
        return Ok(Segment::Complex(parts));
    }
    match parts.pop() {
        None => Err(TemplateError::EmptySegment),
        Some(Part::Literal(text)) => Ok(Segment::Literal(text)),
        Some(Part::Parameter(parameter)) => Ok(Segment::Parameter(parameter)),
    }
}

fn check_neighbours(parts: &[Part]) -> Result<(), TemplateError> {
    for (index, part) in parts.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| parts.get(before));
        match (before, part) {
            (Some(Part::Parameter(left)), Part::Parameter(right)) => {
                return Err(TemplateError::Adjacent(left.name.clone(), right.name.clone()));
            }
            (_, Part::Parameter(parameter)) if parameter.absence == Absence::Allowed => {
                let after_dot = matches!(before, Some(Part::Literal(text)) if text == ".");
                if !after_dot || index + 1 < parts.len() {
                    return Err(TemplateError::OptionalBesideText(parameter.name.clone()));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads what is between braces, and the closing one.
fn inside(chars: &mut Peekable<Chars<'_>>) -> Result<String, TemplateError> {
    let mut text = String::new();
    loop {
        match chars.next().ok_or(TemplateError::Unclosed)? {
            '}' if chars.next_if_eq(&'}').is_none() => return Ok(text),
            '{' if chars.next_if_eq(&'{').is_none() => {
                return Err(if chars.peek().is_some() { TemplateError::Nested } else { TemplateError::Unclosed });
            }
            other => text.push(other),
        }
    }
}

/// Reads `*name:constraint:constraint(argument)=default?`, all but the name optional.
fn parameter(text: &str, room: &mut Room) -> Result<Braced, TemplateError> {
    let unstarred = text.strip_prefix("**").or_else(|| text.strip_prefix('*'));
    let rest = unstarred.unwrap_or(text);
    let (rest, optional) = rest.strip_suffix('?').map_or((rest, false), |rest| (rest, true));
    let (name, rest) = rest.split_at(rest.find([':', '=']).unwrap_or(rest.len()));
    if name.is_empty() || name.contains(['/', '{', '}', '?', '*']) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    let (constraints, default) = constraints(name, rest, room)?;
    let absence = match (optional, default) {
        (true, Some(_)) => return Err(TemplateError::OptionalWithDefault(name.to_owned())),
        (true, None) => Absence::Allowed,
        (false, Some(default)) => Absence::Default(default),
        (false, None) => Absence::Missing,
    };
    let parameter = Parameter { name: name.to_owned(), absence, constraints };
    match unstarred {
        None => Ok(Braced::Parameter(parameter)),
        Some(_) if optional => Err(TemplateError::OptionalCatchAll(parameter.name)),
        Some(_) => Ok(Braced::CatchAll(parameter)),
    }
}

/// Reads `:constraint…=default`. Constraints without a name are skipped, as ASP.NET does.
fn constraints(parameter: &str, mut rest: &str, room: &mut Room) -> Result<(Vec<Constraint>, Option<String>), TemplateError> {
    let mut constraints = Vec::new();
    while let Some(text) = rest.strip_prefix(':') {
        let wrong = |constraint: &str, problem| TemplateError::Constraint {
            parameter: parameter.to_owned(),
            constraint: constraint.to_owned(),
            problem,
        };
        let length = constraint_length(text).ok_or_else(|| wrong(text, ConstraintError::Parenthesis))?;
        let (constraint, after) = text.split_at(length);
        if !constraint.is_empty() {
            constraints.push(Constraint::parse(constraint, room).map_err(|problem| wrong(constraint, problem))?);
        }
        rest = after;
    }
    Ok((constraints, rest.strip_prefix('=').map(str::to_owned)))
}

/// How much of the text is the first constraint. An argument may hold `:`, `=` and parentheses: its end is the first `)` that closes the one that
/// began it and has a delimiter after it, or, where parentheses don't come in pairs (`regex([(])`), just the first with a delimiter after it.
fn constraint_length(text: &str) -> Option<usize> {
    let name = text.find([':', '=', '(']).unwrap_or(text.len());
    let argument = text.get(name..).unwrap_or_default();
    if !argument.starts_with('(') {
        return Some(name);
    }
    let mut depth = 0_usize;
    let mut escaped = false;
    let mut unpaired = None;
    for (at, letter) in argument.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                let end = at + 1;
                if argument.get(end..).is_some_and(|after| after.is_empty() || after.starts_with([':', '='])) {
                    if depth == 0 {
                        return Some(name + end);
                    }
                    unpaired.get_or_insert(name + end);
                }
            }
            _ => {}
        }
    }
    unpaired
}
