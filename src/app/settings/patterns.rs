//! Name patterns: `MY_*`, `*_URL`, `*`.

/// A pattern for names of environment variables. `*` stands for any text, also none, at any place; case doesn't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamePattern {
    /// What is between the stars, in lower case; at least one.
    pieces: Vec<String>,
}

// === impl NamePattern ===

impl NamePattern {
    pub(super) fn new(text: &str) -> NamePattern {
        NamePattern { pieces: text.trim().to_lowercase().split('*').map(str::to_owned).collect() }
    }

    /// Whether all of `name` matches. Takes the time of a search for each piece, whatever the pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let (first, rest) = match self.pieces.as_slice() {
            [] => return name.is_empty(),
            [only] => return name == *only,
            [first, rest @ ..] => (first, rest),
        };
        let Some((last, middle)) = rest.split_last() else { return false };
        let Some(mut left) = name.strip_prefix(first.as_str()).and_then(|inner| inner.strip_suffix(last.as_str())) else { return false };
        for piece in middle {
            // The leftmost place leaves the most room for the pieces after it.
            match left.split_once(piece.as_str()) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        true
    }
}
