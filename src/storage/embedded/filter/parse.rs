//! Makes a filter of tokens. `not` binds closest, then `and`, then `or`.

use super::lexer::{self, Token};
use super::{Filter, Operand};
use crate::storage::StorageError;

/// How deep parentheses and `not` may go.
const DEEPEST: usize = 64;

struct Parser<'t> {
    filter: &'t str,
    tokens: &'t [(usize, Token)],
    depth: usize,
}

// === impl Filter ===

impl Filter {
    /// Reads a filter. An error says where and what.
    pub(in crate::storage::embedded) fn parse(filter: &str) -> Result<Filter, StorageError> {
        let tokens = lexer::tokens(filter)?;
        let mut parser = Parser { filter, tokens: &tokens, depth: 0 };
        let read = parser.any()?;
        match parser.peek() {
            None => Ok(read),
            Some(Token::Close) => parser.wrong("a parenthesis closes that none opened"),
            Some(_) => parser.wrong("it takes and, or, or the end here"),
        }
    }
}

// === impl Parser ===

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Filter, StorageError> {
        let mut parts = vec![self.all()?];
        while self.take(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, StorageError> {
        let mut parts = vec![self.single()?];
        while self.take(&Token::And) {
            parts.push(self.single()?);
        }
        Ok(joined(parts, Filter::And))
    }

    fn single(&mut self) -> Result<Filter, StorageError> {
        if self.depth == DEEPEST {
            return self.wrong("parentheses go too deep");
        }
        self.depth += 1;
        let read = if self.take(&Token::Not) {
            Filter::Not(Box::new(self.single()?))
        } else if self.take(&Token::Open) {
            let inner = self.any()?;
            if !self.take(&Token::Close) {
                return self.wrong("it takes and, or, or a closing parenthesis here");
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(read)
    }

    fn comparison(&mut self) -> Result<Filter, StorageError> {
        let left = self.operand()?;
        let Some(Token::Operator(operator)) = self.peek() else { return Ok(Filter::Holds(left)) };
        self.skip();
        Ok(Filter::Compare(left, *operator, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, StorageError> {
        let operand = match self.peek() {
            Some(Token::Property(name)) => Operand::Property(name.clone()),
            Some(Token::Value(value)) => Operand::Value(value.clone()),
            _ => return self.wrong("it takes a property or a value here"),
        };
        self.skip();
        Ok(operand)
    }

    fn peek(&self) -> Option<&'t Token> {
        self.tokens.first().map(|(_, token)| token)
    }

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.skip();
        }
        is_there
    }

    fn wrong<T>(&self, reason: &'static str) -> Result<T, StorageError> {
        let at = self.tokens.first().map_or(self.filter.len(), |(at, _)| *at);
        Err(lexer::error(self.filter, at, reason))
    }
}

fn joined(mut parts: Vec<Filter>, join: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
