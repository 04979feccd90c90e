//! What holds for all expressions: nothing panics, and what is put together from known parts becomes what those parts are.

use super::*;
use proptest::prelude::*;
use serde_json::Map;

/// A piece of a template with the text that it becomes.
fn piece() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[^{}%]{1,6}".prop_map(|text| (text.clone(), text)),
        Just(("{{".to_owned(), "{".to_owned())),
        Just(("}}".to_owned(), "}".to_owned())),
        Just(("%Container%".to_owned(), "samples".to_owned())),
        Just(("{text}".to_owned(), "{v%".to_owned())),
        Just(("{Object.NUMBER}".to_owned(), "-7".to_owned())),
        Just(("{DateTime:yyyy-MM}".to_owned(), "2018-02".to_owned())),
        Just(("{sys.methodname}".to_owned(), "MyFunction".to_owned())),
    ]
}

/// Something that looks like a template, right or wrong.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[{}%a-c.:\\-' é]{1,4}",
        Just("{DateTime:".to_owned()),
        Just("{sys.utcnow}".to_owned()),
        Just("{rand-guid:".to_owned()),
        "[yMdHhmsftzK'\"\\\\%gF ]{1,6}",
        piece().prop_map(|(template, _)| template),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn known_pieces_become_known_texts(pieces in prop::collection::vec(piece(), 0..10)) {
        // `{` and `{{` side by side would be read the other way round.
        let mut written = String::new();
        let mut expected = String::new();
        for (template, becomes) in &pieces {
            let clash = (written.ends_with('{') && template.starts_with('{')) || (written.ends_with('}') && template.starts_with('}'));
            written.push_str(if clash { "," } else { "" });
            expected.push_str(if clash { "," } else { "" });
            written.push_str(template);
            expected.push_str(becomes);
        }
        let values = json!({"TEXT": "{v%", "object": {"number": -7}});
        prop_assert_eq!(text(&written, values), expected);
    }

    #[test]
    fn never_panics(anything: String, near in template(), keys in prop::collection::vec("[a-c]|datetime|sys", 0..4), seconds in -60_000_000_000_i64..250_000_000_000) {
        let data: BindingData = keys.iter().map(|key| (key.clone(), json!({"a": key}))).collect();
        let context = Context { method_name: "f", now: Timestamp::new(seconds, 5).unwrap() };
        for text in [anything, near] {
            match parse(&text) {
                Ok(expression) => {
                    prop_assert!(expression.names().iter().all(|name| template::is_name(name)));
                    let complete = expression.names().iter().all(|name| data.get(name).is_some());
                    let result = expression.evaluate(&data, &context);
                    // Where a name has no value, something else may have been found wrong before it.
                    let as_expected = if complete { !matches!(result, Err(ExpressionError::NoValue(_))) } else { result.is_err() };
                    prop_assert!(as_expected, "{}: {:?}", text, result);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn any_value_comes_through(name in "[a-z_][a-z0-9_]{0,8}", value: String, before in "[^{}%]{0,9}", after in "[^{}%]{0,9}") {
        let mut values = Map::new();
        values.insert(name.to_uppercase(), Value::String(value.clone()));
        let expression = parse(&format!("{before}{{{name}}}{after}")).unwrap();
        prop_assert_eq!(expression.evaluate(&values.into(), &CONTEXT), Ok(format!("{before}{value}{after}")));
    }

    #[test]
    fn any_text_can_be_written(literal in "[^%]{0,30}") {
        let written = literal.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(text(&written, json!({})), literal);
    }

    #[test]
    fn dates_in_iso_form_are_jiffs(seconds in -60_000_000_000_i64..250_000_000_000, ticks in 0..10_000_000) {
        let now = Timestamp::new(seconds, ticks * 100).unwrap();
        prop_assume!(jiff::tz::Offset::UTC.to_datetime(now).year() > 0);
        let expression = parse("{DateTime:o}").unwrap();
        let written = expression.evaluate(&BindingData::default(), &Context { method_name: "f", now }).unwrap();
        prop_assert_eq!(written.parse::<Timestamp>().unwrap(), now);
    }
}
