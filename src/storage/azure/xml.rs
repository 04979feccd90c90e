//! The XML of blobs and queues: small documents of elements with texts.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// How deep the services' documents are, and more.
const DEEPEST: usize = 16;

/// An element with what is in it. Texts are as they were sent: white space is part of names and messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    /// Whether its text is percent-encoded: so the services write names that XML can't hold.
    pub(super) is_encoded: bool,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

// === impl Element ===

impl Element {
    /// Reads a document. Says what is wrong with it.
    pub(super) fn parse(document: &[u8]) -> Result<Element, String> {
        let document = str::from_utf8(document).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
        let mut open = vec![Element::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            let inner = match &event {
                Event::Start(start) if open.len() < DEEPEST => {
                    open.push(Element::new(start));
                    continue;
                }
                Event::Start(_) => return Err("it is too deep".to_owned()),
                Event::Empty(start) => Some(Element::new(start)),
                Event::End(_) => open.pop(),
                Event::Eof => break,
                _ => None,
            };
            let Some(last) = open.last_mut() else { return Err("it ends too early".to_owned()) };
            last.children.extend(inner);
            match event {
                Event::Text(text) => last.text.push_str(&text.into_inner()),
                Event::CData(text) => last.text.push_str(&text.into_inner()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => last.text.push(letter),
                    None => last.text.push_str(resolve_predefined_entity(&reference).ok_or("it has an unknown entity")?),
                },
                _ => {}
            }
        }
        match open.pop().map(|mut root| (root.children.pop(), open.is_empty())) {
            Some((Some(element), true)) => Ok(element),
            _ => Err("it ends too early".to_owned()),
        }
    }

    fn new(start: &BytesStart<'_>) -> Element {
        let is_encoded = matches!(start.try_get_attribute("Encoded"), Ok(Some(value)) if value.value.eq_ignore_ascii_case("true"));
        Element { name: start.local_name().as_ref().to_owned(), is_encoded, ..Element::default() }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of an inner element; empty where there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }
}

/// A text as it goes into an element. Where XML 1.0 can't carry a character of it, gives that.
pub(super) fn text(text: &str) -> Result<String, char> {
    let is_lost = |letter: &char| matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(is_lost) {
        Some(letter) => Err(letter),
        None => Ok(escape(text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents_are_read() {
        let document = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<List Service=\"x\">\n<A><Name Encoded=\"true\">a%01</Name><B/></A>\
            <A><Name> x&amp;&#x41;<![CDATA[<]]>\r\n </Name></A></List>";
        let list = Element::parse(document.as_bytes()).unwrap();
        assert_eq!((list.name.as_str(), list.children.len()), ("List", 2));
        let [first, second] = list.children.as_slice() else { panic!() };
        assert!(first.child("Name").unwrap().is_encoded && first.child("B").is_some() && first.text_of("C").is_empty());
        assert_eq!(second.text_of("Name"), " x&A<\r\n ");
    }

    #[test]
    fn wrong_documents_are_refused() {
        for document in ["", "x", "<a>", "<a></b>", "</a>", "<a>&b;</a>", "<a><b></a>", &"<a>".repeat(20)] {
            assert!(Element::parse(document.as_bytes()).is_err(), "{document}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn some_characters_have_no_way() {
        for letter in ['\0', '\u{1}', '\u{b}', '\u{1b}', '\u{fffe}'] {
            assert_eq!(text(&format!("a{letter}b")), Err(letter));
        }
        assert!(text("\t\r\n\u{7f}ä😀").is_ok());
    }

    proptest! {
        #[test]
        fn texts_come_back(given in "[\\t\\n\\r -\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]{0,40}") {
            let document = format!("<a><b>{}</b></a>", text(&given).unwrap());
            let element = Element::parse(document.as_bytes()).unwrap();
            prop_assert_eq!(element.text_of("b"), given);
        }

        #[test]
        fn nothing_panics(document in "[<>/ab&;=\"#x1! \\[\\]?-]{0,60}") {
            let _ = Element::parse(document.as_bytes());
        }
    }
}
