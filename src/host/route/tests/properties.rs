//! What holds for all templates and paths: nothing panics, nothing takes long, and a path that was made from a template gives back what went in.

use super::{table, table_of, values};
use http::Method;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Something that looks like a template, right or wrong.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c{}?*:=()./~é -]{1,4}",
        Just("{a}".to_owned()),
        Just("{b?}".to_owned()),
        Just("{*c}".to_owned()),
        Just("{d:int=5}".to_owned()),
        Just(r"{e:regex(^(\d{{2}}:[a-z(]+)$):length(2,9)}".to_owned()),
        Just("/".to_owned()),
        Just(".".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "/[a-cA-C0-9./%é{}:-]{0,40}", "(/(%[0-9A-Fa-f]{2}|[ab.-]){0,6}){0,5}"]
}

/// A segment of a template, with a path segment that fits it and the value in that.
fn segment(index: usize) -> impl Strategy<Value = (String, String, Option<String>)> {
    let encode = |value: &str| percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
    prop_oneof![
        "[a-z]{1,5}".prop_map(|text| (text.clone(), text.to_ascii_uppercase(), None)),
        "[^/]{1,8}".prop_map(move |value| (format!("{{p{index}}}"), encode(&value), Some(value))),
        any::<i32>().prop_map(move |value| (format!("{{p{index}:int}}"), value.to_string(), Some(value.to_string()))),
        "[a-uw-z0-9._é]{1,8}".prop_map(move |value| (format!("v{{p{index}}}"), format!("V{}", encode(&value)), Some(value))),
        "[^/]{1,8}".prop_map(move |value| (format!("{{p{index}}}!"), format!("{}%21", encode(&value)), Some(value))),
    ]
}

fn route() -> impl Strategy<Value = Vec<(String, String, Option<String>)>> {
    (1_usize..6).prop_flat_map(|length| (0..length).map(segment).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn reading_never_panics(template: String, prefix in template()) {
        let (_, errors) = table(&prefix, &[("f", &template), ("g", &prefix)]);
        for error in errors {
            prop_assert!(!error.to_string().is_empty() && !error.functions().is_empty());
        }
    }

    #[test]
    fn finding_never_panics(template in template(), path in path()) {
        let (table, errors) = table("", &[("f", &template), ("rest", "{*rest}")]);
        prop_assert_eq!(table.path_of("f").is_none(), errors.iter().any(|error| error.functions().contains(&"f")));
        let _ = table.find(&Method::GET, &path);
    }

    #[test]
    fn values_come_back(segments in route(), slash: bool) {
        prop_assume!(!["admin", "runtime"].iter().any(|word| segments[0].0.starts_with(word)));
        let join = |of: fn(&(String, String, Option<String>)) -> &str| segments.iter().map(of).collect::<Vec<_>>().join("/");
        let (template, path) = (join(|segment| &segment.0), join(|segment| &segment.1));
        let (table, errors) = table("api", &[("f", &template)]);
        prop_assert!(errors.is_empty(), "{template}: {errors:?}");
        let found = table.find(&Method::GET, &format!("/API/{path}{}", if slash { "/" } else { "" }));
        prop_assert!(found.is_some(), "{template} {path}");
        let found: Vec<(String, String)> = found.unwrap().values.into();
        let wanted: Vec<_> = segments.iter().filter_map(|segment| segment.2.clone()).collect();
        prop_assert_eq!(found.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_catch_all_takes_the_rest(rest in "[a-zA-Z0-9.~-][a-zA-Z0-9./~-]{0,30}") {
        prop_assert_eq!(values("a/{*rest}", &format!("/a/{rest}")), Some(format!("rest={rest}")));
    }
}

fn quickly(what: &str, test: impl FnOnce()) {
    let started = Instant::now();
    test();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{what} took {took:?}");
}

#[test]
fn bad_cases_are_fast() {
    let many: String = (0..20).map(|index| format!("{{p{index}}}a")).collect();
    let text = "a".repeat(60_000);
    quickly("a complex segment", || {
        assert!(values(&many, &format!("/{text}")).is_some());
        assert_eq!(values(&many, &format!("/{text}b")), None);
        assert!(values(&format!("{many}{{q}}.{{r?}}"), &format!("/{text}")).is_some());
    });
    quickly("many segments", || {
        let template: String = (0..2_000).map(|index| format!("{{p{index}}}/")).collect();
        assert!(values(&template, &"/x".repeat(2_000)).is_some());
        assert_eq!(values("{*rest}", &"/x".repeat(30_000)).map(|rest| rest.len()), Some(60_004));
        assert_eq!(values("a/{b}", &"/".repeat(60_000)), None);
    });
    quickly("encoded slashes", || assert!(values("{a}", &format!("/{}", "%2f".repeat(20_000))).is_some()));
    quickly("many braces", || {
        for piece in ["{", "}", "{{", "{a", "{a:regex(", "{a:regex((((", "(", "{a}{", "?", ":"] {
            let _ = table("", &[("f", &piece.repeat(20_000)), ("g", &format!("{{a:regex({})}}", piece.repeat(2_000)))]);
        }
    });
    quickly("an expression that backtracks elsewhere", || assert_eq!(values("{a:regex(^(a+)+$)}", &format!("/{text}b")), None));
}

#[test]
fn many_routes_are_fast() {
    let templates: Vec<_> = (0..1_000).map(|index| (format!("f{index}"), format!("r{index}/{{id:int}}/{{x}}.{{y?}}"))).collect();
    let routes: Vec<_> = templates.iter().map(|(name, template)| (name.as_str(), template.as_str())).collect();
    quickly("a table of a thousand", || {
        let (table, errors) = table("api", &routes);
        assert!(errors.is_empty());
        for _ in 0..500 {
            assert!(table.find(&Method::GET, "/api/r999/5/a.b").is_some());
        }
    });
    let same: Vec<_> = templates.iter().map(|(name, _)| (name.as_str(), "x")).collect();
    quickly("a thousand at one place", || assert_eq!(table("", &same).1[0].functions().len(), 1_000));
    let methods: Vec<_> =
        (0..2).map(|half| (0..20_000).map(|index| format!("M{}", 2 * index + half)).collect::<Vec<_>>().join(" ")).collect();
    quickly("two with many methods", || assert!(table_of("", &[("f", "x", &methods[0]), ("g", "x", &methods[1])]).1.is_empty()));
}
