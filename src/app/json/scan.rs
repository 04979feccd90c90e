//! Finds where in a JSON text a value is.
//!
//! The text was usually parsed before, but this scanner takes anything: it never fails and never panics, it just finds less.

use std::collections::HashMap;
use std::ops::Range;

use super::Step;

/// How far a path led, and to what. Offsets are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// How many steps of the path exist.
    pub(super) steps: usize,
    /// Where the last of them starts: at the key in an object, at the value in an array.
    pub(super) at: usize,
    /// The value's text.
    pub(super) value: Range<usize>,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// Follows `path` as far as it leads. Of keys that occur twice the last one counts, as for the parser.
pub(super) fn find(text: &str, path: &[Step]) -> Found {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    let start = scanner.at;
    scanner.value();
    let mut found = Found { steps: 0, at: start, value: start..scanner.at };
    for step in path {
        scanner.at = found.value.start;
        let child = match step {
            Step::Key(key) => scanner.member(key),
            Step::Index(index) => scanner.element(*index),
        };
        let Some((at, value)) = child else { break };
        found = Found { steps: found.steps + 1, at, value };
    }
    found
}

/// The values of all members of the object at `path`, by their keys: one look at the text, where a search for each would be one for each.
pub(super) fn members(text: &str, path: &[Step]) -> HashMap<String, Range<usize>> {
    let found = find(text, path);
    let mut members = HashMap::new();
    if found.steps == path.len() {
        let mut scanner = Scanner { text, at: found.value.start };
        scanner.members(|name, _, value| _ = members.insert(name, value));
    }
    members
}

// === impl Scanner ===

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes `byte` if it is next.
    fn pass(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes a string with its quotes. `at` is at the first quote.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at = (self.at + 1).min(self.text.len()),
                _ => {}
            }
        }
    }

    /// Passes a value, whatever it is. Doesn't move where none starts.
    fn value(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' if open == 0 => return,
                b'}' | b']' => {
                    open -= 1;
                    self.at += 1;
                }
                _ if open > 0 => self.at += 1,
                _ => {
                    while self.peek().is_some_and(|byte| !byte.is_ascii_whitespace() && !b",:{}[]\"".contains(&byte)) {
                        self.at += 1;
                    }
                    return;
                }
            }
            if open == 0 {
                return;
            }
        }
    }

    /// The offset of a member's key, and the range of its value.
    fn member(&mut self, key: &str) -> Option<(usize, Range<usize>)> {
        let mut found = None;
        self.members(|name, key_at, value| {
            if name == key {
                found = Some((key_at, value));
            }
        });
        found
    }

    /// Calls `each` with an object's members: a key, where it is, and the range of its value.
    fn members(&mut self, mut each: impl FnMut(String, usize, Range<usize>)) {
        if !self.pass(b'{') {
            return;
        }
        loop {
            self.space();
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return;
            }
            self.string();
            let name = self.text.get(key_at..self.at).and_then(|quoted| serde_json::from_str::<String>(quoted).ok());
            self.space();
            if !self.pass(b':') {
                return;
            }
            self.space();
            let start = self.at;
            self.value();
            if let Some(name) = name {
                each(name, key_at, start..self.at);
            }
            self.space();
            if !self.pass(b',') {
                return;
            }
        }
    }

    /// The offset of an array's element, and its range.
    fn element(&mut self, index: usize) -> Option<(usize, Range<usize>)> {
        if !self.pass(b'[') {
            return None;
        }
        for i in 0.. {
            self.space();
            let start = self.at;
            self.value();
            if self.at == start {
                return None;
            }
            if i == index {
                return Some((start, start..self.at));
            }
            self.space();
            if !self.pass(b',') {
                return None;
            }
        }
        None
    }
}
