//! Messages: their encoding, and which of them an output makes.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn text(text: &str) -> Body {
    Body::Text(text.to_owned())
}

fn of(output: &str) -> Vec<Body> {
    of_text(output.to_owned())
}

#[test]
fn base64_is_the_default() {
    let encoding = MessageEncoding::default();
    assert_eq!(encoding.encode(text("été")).unwrap(), "w6l0w6k=");
    assert_eq!(encoding.decode("w6l0w6k=".into()), text("été"));
    assert_eq!(encoding.decode(" w6l0\r\nw6l=\n".into()), text("été"));
    assert_eq!(encoding.decode("/w==".into()), Body::Bytes(vec![0xff]));
    assert_eq!(encoding.decode(String::new()), text(""));
}

#[test]
fn what_is_not_base64_is_handed_on_as_it_is() {
    for message in ["hello world", "{\"a\": 1}", "w6l0w6k", "====", "été"] {
        assert_eq!(MessageEncoding::Base64.decode(message.into()), text(message), "{message}");
    }
}

#[test]
fn none_holds_text_alone() {
    assert_eq!(MessageEncoding::None.encode(text("été")).unwrap(), "été");
    assert_eq!(MessageEncoding::None.encode(Body::Bytes(b"abc".to_vec())).unwrap(), "abc");
    assert_eq!(MessageEncoding::None.encode(Body::Bytes(vec![0xff])), Err(EncodeError::NotText));
    assert_eq!(MessageEncoding::None.decode("w6l0w6k=".into()), text("w6l0w6k="));
}

#[test]
fn encodings_have_names() {
    assert_eq!(MessageEncoding::named("Base64"), Some(MessageEncoding::Base64));
    assert_eq!(MessageEncoding::named("none"), Some(MessageEncoding::None));
    assert_eq!(MessageEncoding::named("utf8"), None);
}

#[test]
fn an_array_is_one_message_an_element() {
    assert_eq!(of(r#"["a", "b\n\"c\"", ""]"#), [text("a"), text("b\n\"c\""), text("")]);
    assert_eq!(
        of(" [ {\"a\": [1, 2]} , 1.50, null, true, [\"x,]\"] ] "),
        [r#"{"a": [1, 2]}"#, "1.50", "null", "true", r#"["x,]"]"#].map(text)
    );
    assert_eq!(of("[123456789012345678901234567890]"), [text("123456789012345678901234567890")]);
    assert_eq!(of("[]"), []);
    assert_eq!(of("[ ]"), []);
}

#[test]
fn everything_else_is_one_message() {
    for output in [
        "",
        "hello",
        "{\"b\": 1.0, \"a\": [1]}",
        "\"a\"",
        "12",
        "[a]",
        "['a']",
        "[1, 2",
        "[1],[2]",
        "[1,]",
        "{\"id\": null, \"body\": \"x\"}",
    ] {
        assert_eq!(of(output), [text(output)], "{output}");
    }
}

#[test]
fn a_queue_message_of_the_sdk_is_its_body() {
    assert_eq!(of_json(r#"{"id": null, "body": "hello"}"#.into()), [text("hello")]);
    assert_eq!(
        of_json(r#"["a", {"id": "1", "body": "[1]"}, {"body": "x", "y": 1}]"#.into()),
        [text("a"), text("[1]"), text(r#"{"body": "x", "y": 1}"#)]
    );
    assert_eq!(of_json(r#"{"a": 1}"#.into()), [text(r#"{"a": 1}"#)]);
    assert_eq!(of_json(r#""a""#.into()), [text("a")]);
    assert_eq!(of_json("no json".into()), [text("no json")]);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\\[\\]{},\"\\\\ é]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a,\"\\]]{0,3}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_come_back(bytes: Vec<u8>, output: String) {
        let encoded = MessageEncoding::Base64.encode(Body::Bytes(bytes.clone())).unwrap();
        let decoded = MessageEncoding::Base64.decode(encoded);
        prop_assert_eq!(decoded.as_bytes(), bytes.as_slice());
        for encoding in [MessageEncoding::Base64, MessageEncoding::None] {
            prop_assert_eq!(encoding.decode(encoding.encode(text(&output)).unwrap()), text(&output));
        }
    }

    #[test]
    fn elements_come_back(values in prop::collection::vec(value(), 0..6), pretty: bool) {
        let json = json!(values);
        let written = if pretty { format!("{json:#}") } else { json.to_string() };
        let found: Vec<Value> = of_text(written).into_iter().zip(&values).map(|(body, value)| {
            let Body::Text(text) = body else { panic!("bytes") };
            if value.is_string() { Value::String(text) } else { serde_json::from_str(&text).unwrap() }
        }).collect();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn never_panics(output in "[\\[\\]{},\"\\\\ a1é:]{0,20}", message: String) {
        let count = of_text(output.clone()).len();
        prop_assert!(count == 1 || serde_json::from_str::<Vec<Value>>(&output).is_ok_and(|elements| elements.len() == count));
        drop(of_json(output));
        drop(MessageEncoding::Base64.decode(message));
    }
}
