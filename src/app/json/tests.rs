//! Comments, trailing commas, positions, and that nothing panics.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(text: &str) -> Document {
    Document::parse("a.json", text.as_bytes()).unwrap()
}

fn fails(text: &[u8]) -> String {
    Document::parse("a.json", text).err().unwrap().to_string()
}

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

#[test]
fn takes_what_people_write() {
    let text = "\u{feff}{ // one\r\n \"a\": [1, /* two\n lines, */ 2,],\n# three\n \"b\": \"// no comment\", }\n// end";
    let document = parse(text);
    assert_eq!(*document.value(), json!({"a": [1, 2], "b": "// no comment"}));
    assert_eq!(document.position(&[key("b")]), Position { line: 5, column: 2 });
    assert_eq!(document.position(&[key("a"), Step::Index(1)]), Position { line: 3, column: 12 });
}

#[test]
fn columns_count_characters_of_the_original() {
    let document = parse("{/* é😀 */ \"a\": {\"é\": 1, \"b\": 2}}");
    assert_eq!(document.position(&[key("a")]), Position { line: 1, column: 11 });
    assert_eq!(document.position(&[key("a"), key("b")]), Position { line: 1, column: 25 });
}

#[test]
fn a_path_that_ends_early_is_where_it_ended() {
    let document = parse("{\n\"a\": {\n\"b\": 1}}");
    assert_eq!(document.position(&[key("a"), key("x"), key("y")]).line, 2);
    assert!(document.holds(&[key("a"), key("b")]));
    assert!(!document.holds(&[key("a"), key("x")]));
    assert_eq!(document.position(&[]).line, 1);
}

#[test]
fn the_last_of_two_keys_counts_and_escapes_are_decoded() {
    let document = parse("{\"a\": 1,\n\"\\u0061\": 2.50}");
    assert_eq!(document.position(&[key("a")]).line, 2);
    assert_eq!(document.texts(&[]).get("a"), Some(&"2.50"));
}

#[test]
fn errors_say_where_and_what() {
    assert_eq!(fails(b"{\n  \"a\": 1\n  \"b\": 2\n}"), "a.json:3:3: not valid JSON: expected `,` or `}`");
    assert_eq!(
        fails(b"{\n/* x\n\n*/ \"a\": tru }"),
        "a.json:4:12: not valid JSON: expected a value: a text in double quotes, a number, true, false or null"
    );
    assert_eq!(fails(b"{'a': 1}"), "a.json:1:2: not valid JSON: expected a name in double quotes");
    assert_eq!(
        fails(b"{\"a\": True}"),
        "a.json:1:7: not valid JSON: expected a value: a text in double quotes, a number, true, false or null"
    );
    assert_eq!(fails(b"{\n \"a\": {\n"), "a.json:2:8: the file ends here, but a brace, a bracket, a quote or a comment is still open");
    assert_eq!(fails(b"{ /* for ever }"), "a.json:1:15: the file ends here, but a brace, a bracket, a quote or a comment is still open");
    assert_eq!(fails(b"{\n \"a\": / 1, }"), "a.json:2:7: expected a comment (`//` or `/*`) after this slash");
    assert_eq!(fails(b" \n"), "a.json:1:2: the file is empty, where a JSON object `{…}` belongs");
    assert_eq!(fails(b"{\n\"a\": \"\xff\"}"), "a.json:2: is not UTF-8 text: save the file with the encoding UTF-8");
    assert_eq!(fails(b"\xff\xfe{\0}\0"), "a.json:1: is not UTF-8 text: save the file with the encoding UTF-8");
}

#[test]
fn deep_nesting_is_an_error() {
    assert!(fails("[".repeat(200_000).as_bytes()).contains("recursion limit"));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes: Vec<u8>, path in prop::collection::vec("[a-z]?", 0..4)) {
        let _ = Document::parse("a.json", &bytes);
        let steps: Vec<Step> = path.into_iter().map(Step::Key).collect();
        let found = scan::find(&String::from_utf8_lossy(&bytes), &steps);
        prop_assert!(found.value.start <= found.value.end);
    }

    #[test]
    fn json_like_garbage_never_panics(text in "[\\[\\]{}\",:/*#\\\\a1é \n]{0,60}", key: String, index in 0_usize..3) {
        if let Ok(document) = Document::parse("a.json", text.as_bytes()) {
            document.position(&[Step::Key(key.clone())]);
        }
        for path in [vec![Step::Key("a".to_owned()), Step::Index(index)], vec![Step::Index(index), Step::Key(key)]] {
            let found = scan::find(&text, &path);
            prop_assert!(text.get(found.value).is_some());
        }
    }

    #[test]
    fn positions_never_panic(text: String, line in 0_usize..5, column in 0_usize..50, at: usize) {
        position(&text, offset(&text, line, column));
        position(&text, at);
    }

    #[test]
    fn members_are_found_on_their_lines(members in prop::collection::btree_map("[a-zé\"\\\\{}\\[\\]/]{1,6}", 0_usize..4, 1..12)) {
        let mut text = "{".to_owned();
        let mut expected = Vec::new();
        let mut line = 1;
        for (name, comment_lines) in &members {
            text.push_str(&format!("/* {}, }} */\n", "\"x\": 1,\n".repeat(*comment_lines)));
            line += comment_lines + 1;
            text.push_str(&format!("{}: [\n{line}, {{\"n\": {line}}},], // }}\n", json!(name)));
            expected.push((name.clone(), line));
            line += 2;
        }
        text.push('}');
        let document = parse(&text);
        for (name, line) in expected {
            prop_assert_eq!(document.position(&[Step::Key(name.clone())]).line, line);
            let inner = [Step::Key(name), Step::Index(1), Step::Key("n".to_owned())];
            prop_assert_eq!(document.position(&inner).line, line + 1);
            prop_assert_eq!(document.texts(&inner[..2]).get("n").map(|text| text.parse()), Some(Ok(line)));
        }
    }
}
