//! What must hold of what a storage service answers: it may be anybody who answers there.

#![allow(clippy::unwrap_used)] // A target fails by panicking.

use super::answer::Answer;
use super::queues;
use super::tables;
use super::xml::{self, Element};
use crate::fuzzing::{parts, sentence, text};
use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};

/// A body, a status, and headers by turns.
pub(crate) fn storage_answer(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let status = parts.get(1).and_then(|status| StatusCode::from_u16(status.parse().ok()?).ok()).unwrap_or(StatusCode::CONFLICT);
    let mut headers = HeaderMap::new();
    for header in parts.get(2..).unwrap_or_default() {
        let (name, value) = header.split_once('=').unwrap_or(("x-ms-error-code", header));
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let answer = Answer::new(status, headers, Bytes::copy_from_slice(parts[0].as_bytes()));
    if let Ok(root) = answer.xml() {
        check(&root, 1);
        let mut written = String::new();
        if write(&root, &mut written) {
            assert_eq!(Element::parse(written.as_bytes()), Ok(root), "{written:?}");
        }
        if let Ok(messages) = queues::messages(&answer) {
            messages.iter().for_each(|message| drop(queues::received(message)));
        }
    }
    let _ = tables::rows(&answer);
    let _ = (answer.retry_after(), answer.time("last-modified"));
    if let Err(error) = answer.good(&[("queue", "q"), ("message", "m")]) {
        let error = error.to_string();
        sentence(&error);
        assert!(error.len() < 2000 && !error.contains(char::is_control), "{error:?}");
    }
}

fn check(element: &Element, depth: usize) {
    assert!(depth <= 16, "it is too deep");
    element.children.iter().for_each(|child| check(child, depth + 1));
}

/// As it can be read again; not where it has names that only a lenient reader takes.
fn write(element: &Element, written: &mut String) -> bool {
    let is_name = !element.name.is_empty() && element.name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let Ok(text) = xml::text(&element.text) else { return false };
    written.push_str(&format!("<{}{}>{text}", element.name, if element.is_encoded { " Encoded=\"true\"" } else { "" }));
    let whole = element.children.iter().all(|child| write(child, written));
    written.push_str(&format!("</{}>", element.name));
    is_name && whole
}
