//! Binding expressions: what they become, and what is refused.

mod dates;
mod properties;

use super::*;
use serde_json::{Value, json};

const CONTEXT: Context<'static> = Context { method_name: "MyFunction", now: Timestamp::constant(1_518_803_995, 0) };

fn setting(name: &str) -> Option<String> {
    let value = match name {
        "Container" => "samples",
        "Path" => "in/{name}.txt",
        "Secret" => "{p4ss w0rd}",
        "Percent" => "%Container%",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Expression, ExpressionError> {
    Expression::parse(text, &setting)
}

fn data(value: Value) -> BindingData {
    BindingData::from(value.as_object().unwrap().clone())
}

fn evaluate(text: &str, value: Value) -> Result<String, String> {
    parse(text).unwrap_or_else(|error| panic!("`{text}` {error}")).evaluate(&data(value), &CONTEXT).map_err(|error| error.to_string())
}

fn text(template: &str, value: Value) -> String {
    evaluate(template, value).unwrap_or_else(|error| panic!("{template}: {error}"))
}

#[test]
fn names_are_looked_up_in_any_case() {
    assert_eq!(text("{name}.txt", json!({"name": "a"})), "a.txt");
    assert_eq!(text("{Name}-{ÉTÉ}", json!({"nAmE": "a", "été": "b"})), "a-b");
    assert_eq!(text("{name}", json!({"NAME": "other", "name": "exact"})), "exact");
    assert_eq!(text("no parameter", json!({})), "no parameter");
    assert_eq!(text("", json!({})), "");
}

#[test]
fn dots_walk_objects() {
    let order = json!({"Order": {"id": 7, "Customer": {"x-name": "ann"}, "text": "{\"a\": 1}"}});
    assert_eq!(text("{order.ID}-{order.customer.x-name}", order.clone()), "7-ann");
    assert_eq!(evaluate("{order.nothing}", order.clone()), Err("Error while accessing 'nothing': property doesn't exist.".into()));
    assert_eq!(evaluate("{order.id.x}", order.clone()), Err("Error while accessing 'x': property doesn't exist.".into()));
    assert_eq!(evaluate("{order.text.a}", order), Err("Error while accessing 'a': property doesn't exist.".into()));
}

#[test]
fn values_become_text() {
    let values = json!({"i": 1, "f": 1.5, "big": 18_446_744_073_709_551_615_u64, "t": true, "n": null, "s": "%Container% {i}"});
    assert_eq!(text("{i}|{f}|{big}|{t}|{n}|{s}", values), "1|1.5|18446744073709551615|true||%Container% {i}");
    let error = "The value of 'a.b' is an object, which can't be part of a text: name one of its parts, like {a.b.id}.";
    assert_eq!(evaluate("{a.b}", json!({"a": {"b": {}}})), Err(error.into()));
    assert!(evaluate("{a}", json!({"a": []})).is_err());
}

#[test]
fn a_missing_name_is_said_in_the_words_of_the_sdk() {
    assert_eq!(evaluate("a/{x}", json!({"y": 1})), Err("No value for named parameter 'x'.".into()));
    assert_eq!(evaluate("{x.y}", json!({})), Err("No value for named parameter 'x'.".into()));
    assert_eq!(evaluate("{sys.other}", json!({})), Err("Error while accessing 'other': property doesn't exist.".into()));
}

#[test]
fn guids_are_random_and_of_the_format() {
    for (template, pattern) in [
        ("{rand-guid}", "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        ("{RAND-GUID:d}", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        ("{rand-guid:N}", "^[0-9a-f]{32}$"),
        ("{rand-guid:B}", r"^\{[0-9a-f-]{36}\}$"),
        ("{sys.RandGuid:P}", r"^\([0-9a-f-]{36}\)$"),
    ] {
        let guid = text(template, json!({}));
        assert!(regex::Regex::new(pattern).unwrap().is_match(&guid), "{template}: {guid}");
        assert_ne!(guid, text(template, json!({})));
    }
}

#[test]
fn the_rest_that_is_built_in() {
    assert_eq!(text("{DateTime}|{datetime}|{sys.UtcNow}", json!({})), ["2018-02-16T17-59-55Z"; 3].join("|"));
    assert_eq!(text("{sys.methodname}/{SYS.UtcNow:yyyy}", json!({})), "MyFunction/2018");
    assert_eq!(text("{DateTime: }", json!({})), "2018-02-16T17-59-55Z");
}

#[test]
fn data_comes_before_what_is_built_in() {
    let values = json!({"datetime": "today", "rand-guid": 4, "sys": {"methodname": "mine"}});
    assert_eq!(text("{DateTime:yyyy}|{rand-guid:N}|{sys.methodname}", values), "today|4|mine");
    assert_eq!(text("{when:yyyy}", json!({"when": "2020-01-01"})), "2020-01-01");
}

#[test]
fn settings_are_replaced_once_and_first() {
    assert_eq!(text("%Container%/{name}", json!({"name": "a"})), "samples/a");
    assert_eq!(text("%Path%", json!({"name": "a"})), "in/a.txt");
    assert_eq!(text("%Percent%", json!({})), "%Container%");
    assert_eq!(parse("a%Nothing%"), Err(ExpressionError::MissingSetting("Nothing".into())));
    assert_eq!(parse("%%"), Err(ExpressionError::UnnamedSetting));
    assert_eq!(parse("100%"), Err(ExpressionError::UnclosedSetting));
    assert_eq!(parse("%Nothing%").unwrap_err().to_string(), "has `%Nothing%`, but there is no app setting `Nothing`: add it");
}

#[test]
fn braces_as_text() {
    assert_eq!(text("{{name}}", json!({"name": "a"})), "{name}");
    assert_eq!(text("{{{name}}}", json!({"name": "a"})), "{a}");
    assert_eq!(text("}}{{}}", json!({})), "}{}");
}

#[test]
fn what_is_no_expression_is_said() {
    for (template, expected) in [
        ("{", ExpressionError::Unclosed),
        ("{a", ExpressionError::Unclosed),
        ("{a{b}", ExpressionError::Unclosed),
        ("{a{{b}}}", ExpressionError::Unclosed),
        ("a}", ExpressionError::Unopened),
        ("{a}}", ExpressionError::Unopened),
        ("{}", ExpressionError::NoName),
        ("{ a }", ExpressionError::Name(" a ".into())),
        ("{a-b}", ExpressionError::Name("a-b".into())),
        ("{1a}", ExpressionError::Name("1a".into())),
        ("{a..b}", ExpressionError::Name("a..b".into())),
        ("{a.}", ExpressionError::Name("a.".into())),
        ("{.a}", ExpressionError::Name(".a".into())),
        ("{:N}", ExpressionError::Name(":N".into())),
        ("{rand-guid.a}", ExpressionError::Name("rand-guid.a".into())),
        ("{rand-guid:X}", ExpressionError::GuidFormat("X".into())),
    ] {
        assert_eq!(parse(template), Err(expected), "{template}");
    }
    let expected =
        "has a date's format `q`, which is no standard format: write o, s, u or r, or a format of several letters like yyyy-MM-dd";
    assert_eq!(parse("{DateTime:q}").unwrap_err().to_string(), expected);
}

#[test]
fn errors_hold_no_value_of_a_setting() {
    let error = parse("a/%Secret%").unwrap_err().to_string();
    assert!(error.contains('…') && !error.contains("p4ss"), "{error}");
}

#[test]
fn names_are_those_that_the_trigger_must_bring() {
    let expression = parse("%Path%/{a.b}-{A}-{c:x}-{rand-guid}-{DateTime}-{sys.utcnow}-{DateTime.x}-{{d}}").unwrap();
    assert_eq!(expression.names(), ["name", "a", "c", "DateTime"]);
}

#[test]
fn data_is_replaced_in_any_case() {
    let mut values = data(json!({"Id": 1, "other": 2}));
    values.insert("ID", "x");
    assert_eq!(values, data(json!({"other": 2, "ID": "x"})));
    assert_eq!(values.get("id"), Some(&json!("x")));
    values.insert_all(vec![("OTHER".into(), json!(3)), ("new".into(), json!(4)), ("Other".into(), json!(5))]);
    assert_eq!(values, data(json!({"ID": "x", "new": 4, "Other": 5})));
}
