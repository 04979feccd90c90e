//! What must hold of a requirements.txt, without the files that it includes.

use super::{Line, logical_lines, normalised};
use crate::fuzzing::text;

pub(crate) fn requirements(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let lines = logical_lines(&text);
    assert!(lines.is_sorted_by(|(one, _), (other, _)| one < other), "lines are out of order");
    assert!(lines.last().is_none_or(|(number, _)| *number <= text.lines().count()));
    for (_, line) in &lines {
        assert!(!line.contains('\n') && !line.starts_with('#'), "{line:?}");
        match Line::read(line) {
            Line::Named(named) => {
                assert_eq!(normalised(&named.name), named.name);
                // With its versions it becomes an argument of pip's, which must not be an option.
                assert!(named.name.starts_with(|first: char| first.is_ascii_alphanumeric()), "{named:?}");
                assert!(named.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{named:?}");
                assert!(!named.versions.contains(char::is_whitespace), "{named:?}");
            }
            Line::Source(options) => {
                assert!(options.len() <= 2 && options.first().is_some_and(|option| option.starts_with('-')), "{options:?}");
            }
            Line::Include { .. } | Line::Nothing | Line::Unnamed => {}
        }
    }
}
