//! Makes tokens of a filter's text.

use super::Operator;
use super::value::Value;
use crate::storage::StorageError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Operator(Operator),
    Property(String),
    Value(Value),
}

/// Tokens, each with where it begins, in bytes.
pub(super) fn tokens(filter: &str) -> Result<Vec<(usize, Token)>, StorageError> {
    let mut tokens = Vec::new();
    let mut rest = filter;
    loop {
        rest = rest.trim_start();
        let at = filter.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let wrong = |reason| Err(error(filter, at, reason));
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '\'' => match quoted(rest) {
                Some((text, length)) => (Token::Value(Value::Text(text)), length),
                None => return wrong("a quote isn't closed"),
            },
            '0'..='9' | '-' | '+' | '.' => match number(rest) {
                Some((value, length)) => (Token::Value(value), length),
                None => return wrong("that is no number"),
            },
            _ if is_letter(first) => match word(rest) {
                Some(found) => found,
                None => return wrong("that is no value: it takes datetime'…', guid'…' or X'…'"),
            },
            _ => return wrong("this character has no meaning here"),
        };
        tokens.push((at, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Says where, for people: in characters from 1.
pub(super) fn error(filter: &str, at: usize, reason: &'static str) -> StorageError {
    let before = filter.get(..at).unwrap_or(filter);
    StorageError::Filter { filter: filter.to_owned(), at: before.chars().count() + 1, reason }
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// What is between the quote that the text begins with and the next that isn't doubled, and how many bytes that takes with both.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\'' && letters.next_if(|(_, next)| *next == '\'').is_none() {
            return Some((text, at + 1));
        }
        text.push(letter);
    }
    None
}

fn number(rest: &str) -> Option<(Value, usize)> {
    let mut before = ' ';
    let belongs = |letter: char| {
        let sign = matches!(letter, '-' | '+') && matches!(before, ' ' | 'e' | 'E');
        before = letter;
        sign || is_letter(letter) || letter == '.'
    };
    let length = rest.chars().map(belongs).zip(rest.char_indices()).find(|(belongs, _)| !belongs).map_or(rest.len(), |(_, (at, _))| at);
    Some((Value::of_number(rest.get(..length)?)?, length))
}

fn word(rest: &str) -> Option<(Token, usize)> {
    let length = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(length);
    if after.starts_with('\'') {
        let (text, quoted) = quoted(after)?;
        return Some((Token::Value(Value::of_literal(word, &text)?), length + quoted));
    }
    let token = match word {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        "true" => Token::Value(Value::Boolean(true)),
        "false" => Token::Value(Value::Boolean(false)),
        _ => Operator::named(word).map_or_else(|| Token::Property(word.to_owned()), Token::Operator),
    };
    Some((token, length))
}
