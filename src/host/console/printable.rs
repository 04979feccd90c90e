//! Text of others made fit to be shown: it must not move the cursor, set colours, end a line unseen, or be of any length.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text with its control characters made visible. Lines stay lines.
#[must_use]
pub fn printable(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            reordering if reorders(reordering) => shown.extend(character.escape_unicode()),
            control if control.is_control() => {
                // Writing to a String can't fail.
                let _ = write!(shown, "\\x{:02x}", u32::from(control));
            }
            other => shown.push(other),
        }
    }
    shown
}

/// The same in one line.
#[must_use]
pub fn printable_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

/// A JSON text in which such characters are escaped that JSON leaves as they are.
pub(super) fn printable_json(json: String) -> String {
    let hidden = |character: char| character.is_control() || reorders(character);
    if !json.contains(hidden) {
        return json;
    }
    // Outside of its strings, a JSON text has none of them.
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if hidden(character) {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A text of at most `most` bytes, and a few that tell how much was cut off.
#[must_use]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most);
    Cow::Owned(format!("{}… ({} more bytes)", &text[..end], text.len() - end))
}

/// Characters that reorder or break lines where a terminal or a log viewer follows Unicode.
fn reorders(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no place where a line is shown.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("a\r\nb\tc"), "a\nb\tc");
        assert_eq!(printable("\x1b[31mred\x1b[0m\rover\x00\x7f\u{9b}"), "\\x1b[31mred\\x1b[0m\\x0dover\\x00\\x7f\\x9b");
        assert_eq!(printable("\u{202e}x"), "\\u{202e}x");
        assert_eq!(printable("héé ☃"), "héé ☃");
        assert_eq!(printable_line("a\nb\r\nc\x1b"), "a b c\\x1b");
    }

    #[test]
    fn what_is_cut_off_is_told() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc… (1 more bytes)");
        assert_eq!(cut("aéé", 2), "a… (4 more bytes)");
        assert_eq!(cut("é", 0), "… (2 more bytes)");
    }

    proptest! {
        #[test]
        fn nothing_that_controls_is_left(text in any::<String>()) {
            let shown = printable(&text);
            let controls = shown.chars().any(|character| character.is_control() && character != '\n' && character != '\t');
            prop_assert!(!controls);
        }

        #[test]
        fn json_means_the_same_without_characters_that_control(text in any::<String>(), control in 0x7f_u32..0xa0) {
            let text = format!("{text}\u{202e}\u{2028}{}", char::from_u32(control).unwrap());
            let shown = printable_json(serde_json::to_string(&text).unwrap());
            prop_assert!(!shown.chars().any(|character| character.is_control() || reorders(character)));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }

        #[test]
        fn a_cut_text_is_short(text in any::<String>(), most in 0_usize..40) {
            prop_assert!(cut(&text, most).len() <= most.max(text.len().min(most)) + 40);
            prop_assert!(text.len() > most || cut(&text, most) == text);
        }
    }
}
