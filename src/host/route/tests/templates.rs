//! Templates that can't be used, and what is said of them.

use super::super::{ConstraintError, RouteError, TemplateError};
use super::{error, values};

/// Whether a problem is the one that a row wants.
type Check = fn(&ConstraintError) -> bool;

fn problem(template: &str) -> TemplateError {
    match error(template) {
        RouteError::Template { problem, .. } => problem,
        other => panic!("{template}: {other}"),
    }
}

#[test]
fn wrong_forms_are_told_apart() {
    let name = |name: &str| TemplateError::Name(name.to_owned());
    let rows = [
        ("~/a", TemplateError::Tilde),
        ("~a", TemplateError::Tilde),
        ("//a", TemplateError::EmptySegment),
        ("a//b", TemplateError::EmptySegment),
        ("a//", TemplateError::EmptySegment),
        ("//", TemplateError::EmptySegment),
        ("a?", TemplateError::QuestionMark),
        ("a?b={c}", TemplateError::QuestionMark),
        ("{a}?", TemplateError::QuestionMark),
        ("a}", TemplateError::Unopened),
        ("{a}}", TemplateError::Unclosed),
        ("{a}}}", name("a}")),
        ("}a{", TemplateError::Unopened),
        ("{", TemplateError::Unclosed),
        ("{a", TemplateError::Unclosed),
        ("{a/b", TemplateError::Unclosed),
        ("{a{", TemplateError::Unclosed),
        ("{a{b}", TemplateError::Nested),
        (r"{a:regex(\d{3})}", TemplateError::Nested),
        ("{}", name("")),
        ("{?}", name("")),
        ("{*}", name("")),
        ("{:int}", name("")),
        ("{=5}", name("")),
        ("{a/b}", name("a/b")),
        ("{a?=5}", name("a?")),
        ("{a*}", name("a*")),
        ("{***a}", name("*a")),
        ("{a}/{A}", TemplateError::Duplicate("A".into())),
        ("{a}-{b}/{*B}", TemplateError::Duplicate("B".into())),
        ("{a}{b}", TemplateError::Adjacent("a".into(), "b".into())),
        ("x{a}{b?}", TemplateError::Adjacent("a".into(), "b".into())),
        ("{*a}/b", TemplateError::CatchAllNotLast("a".into())),
        ("{**a}/{b?}", TemplateError::CatchAllNotLast("a".into())),
        ("x{*a}", TemplateError::CatchAllBesideText("a".into())),
        ("{*a}x", TemplateError::CatchAllBesideText("a".into())),
        ("{*a}{b}", TemplateError::CatchAllBesideText("a".into())),
        ("{*a?}", TemplateError::OptionalCatchAll("a".into())),
        ("{a=1?}", TemplateError::OptionalWithDefault("a".into())),
        ("{a:int=?}", TemplateError::OptionalWithDefault("a".into())),
        ("{a?}.{b}", TemplateError::OptionalBesideText("a".into())),
        ("{a?}x", TemplateError::OptionalBesideText("a".into())),
        ("{a}-{b?}", TemplateError::OptionalBesideText("b".into())),
        ("v.{b?}", TemplateError::OptionalBesideText("b".into())),
        ("{a}.{b?}x", TemplateError::OptionalBesideText("b".into())),
    ];
    for (template, wanted) in rows {
        assert_eq!(problem(template), wanted, "{template}");
    }
}

#[test]
fn wrong_constraints_are_told_apart() {
    let rows: &[(&str, &str, Check)] = &[
        ("{a:foo}", "foo", |error| *error == ConstraintError::Unknown),
        ("{a:foo?}", "foo", |error| *error == ConstraintError::Unknown),
        ("{a: int}", " int", |error| *error == ConstraintError::Unknown),
        ("{a:int:x(1)=3}", "x(1)", |error| *error == ConstraintError::Unknown),
        ("{a:length(3}", "length(3", |error| *error == ConstraintError::Parenthesis),
        ("{a:length(3)x}", "length(3)x", |error| *error == ConstraintError::Parenthesis),
        ("{a:regex(}", "regex(", |error| *error == ConstraintError::Parenthesis),
        ("{a:int(3)}", "int(3)", |error| *error == ConstraintError::NoArguments),
        ("{a:alpha()}", "alpha()", |error| *error == ConstraintError::NoArguments),
        ("{a:min}", "min", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:min()}", "min()", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:max(x)}", "max(x)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:min(1,2)}", "min(1,2)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:min(9223372036854775808)}", "min(9223372036854775808)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:range(1)}", "range(1)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:range(1,2,3)}", "range(1,2,3)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:range(2,1)}", "range(2,1)", |error| *error == ConstraintError::Order),
        ("{a:length(-1)}", "length(-1)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:length(2,1)}", "length(2,1)", |error| *error == ConstraintError::Order),
        ("{a:maxlength(-1)}", "maxlength(-1)", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:regex}", "regex", |error| matches!(error, ConstraintError::Arguments(_))),
        ("{a:regex([)}", "regex([)", |error| matches!(error, ConstraintError::Regex(_))),
        ("{a:regex((?=x))}", "regex((?=x))", |error| matches!(error, ConstraintError::Regex(_))),
        (r"{a:regex((\w{{999}}){{999}})}", r"regex((\w{999}){999})", |error| matches!(error, ConstraintError::Regex(_))),
    ];
    for (template, text, wanted) in rows {
        match problem(template) {
            TemplateError::Constraint { parameter, constraint, problem } => {
                assert_eq!((parameter.as_str(), constraint.as_str()), ("a", *text), "{template}");
                assert!(wanted(&problem), "{template}: {problem:?}");
            }
            other => panic!("{template}: {other:?}"),
        }
    }
}

#[test]
fn messages_are_one_sentence_with_a_way_out() {
    for (template, message) in [
        ("a?", "has a `?` outside of braces: a parameter that may be left out is `{name?}`, and queries are no part of a route"),
        ("{a", "has a `{` without its `}`: add that, or write `{{` where a brace is meant as text"),
        ("{a}}}", "has a parameter with the name `a}`: give it one without any of `/ { } ? *`"),
        ("{*a}/b", "goes on after `{*a}`, which takes all the rest: move that to the end"),
        ("{a:min}", "has the parameter `a` with the constraint `min`, which needs one whole number in parentheses, as in `min(1)`"),
        (
            "{a:regex([)}",
            "has the parameter `a` with the constraint `regex([)`, which is no regular expression that can be used (unclosed character class): \
             correct or simplify it",
        ),
        (
            "{a:guild}",
            "has the parameter `a` with the constraint `guild`, which is unknown: use one of alpha, bool, datetime, decimal, double, file, float, \
             guid, int, length, long, max, maxlength, min, minlength, nonfile, range, regex, required",
        ),
    ] {
        assert_eq!(error(template).to_string(), format!("function `f`: its route `{template}` {message}"));
    }
}

#[test]
fn what_aspnet_takes_is_taken() {
    for (template, path, wanted) in [
        ("a/{b}/", "/a/1", Some("b=1")),
        ("{a?}/{b?}", "/", Some("")),
        ("{a?}/{b?}", "/1", Some("a=1")),
        ("{a?}/b", "/b", None),
        ("{a::int:}", "/1", Some("a=1")),
        ("{a:Int}", "/1", Some("a=1")),
        ("{a b}", "/1", Some("a b=1")),
        ("{a=b:c=d}", "/", Some("a=b:c=d")),
        ("{a=}", "/", Some("a=")),
        ("a*b", "/a*b", Some("")),
        ("a~", "/A~", Some("")),
        ("{a:regex(^x/y$)?}", "/x", None),
        ("{a={{x}}}/b", "/1/b", Some("a=1")),
        ("{b={{x}} }", "/", Some("b={x} ")),
    ] {
        assert_eq!(values(template, path).as_deref(), wanted, "{template} {path}");
    }
}
