//! Parts a template into texts and braces. Does not look into the braces.

use super::error::ExpressionError;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A text, with the braces that were written twice; never empty, and never after another one.
    Text(String),
    /// What was between two braces; not empty, and without braces of its own.
    Braces(&'a str),
}

/// The pieces of a template, in order.
///
/// # Errors
/// Braces that don't come in pairs, or hold nothing.
pub fn pieces(template: &str) -> Result<Vec<Piece<'_>>, ExpressionError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, braces) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = braces.strip_prefix("{{").or_else(|| braces.strip_prefix("}}")) {
            text.extend(braces.chars().next());
            rest = after;
            continue;
        }
        let inside = braces.strip_prefix('{').ok_or(ExpressionError::Unopened)?;
        let end = inside.find(['{', '}']).ok_or(ExpressionError::Unclosed)?;
        let (inside, after) = inside.split_at(end);
        rest = after.strip_prefix('}').ok_or(ExpressionError::Unclosed)?;
        if inside.is_empty() {
            return Err(ExpressionError::NoName);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Braces(inside));
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Whether it may be a parameter's name: a letter or `_`, then letters, digits and `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}
