//! Paths of blob triggers: what fits, what is taken, what is refused.

use super::*;
use proptest::prelude::*;

fn pattern(path: &str) -> BlobPattern {
    BlobPattern::parse(path).unwrap_or_else(|error| panic!("`{path}` {error}"))
}

/// `name=value` for each parameter, in the path's order.
fn taken(path: &str, blob: &str) -> Option<String> {
    let pattern = pattern(path);
    let values = pattern.match_name(blob)?;
    Some(pattern.names().iter().map(|name| format!("{name}={}", values[*name])).collect::<Vec<_>>().join(" "))
}

#[test]
fn parts_at_the_last_separator() {
    for (path, blob, expected) in [
        ("c/{name}.{ext}", "a.b.c", "name=a.b ext=c"),
        ("c/{name}.{ext}", ".", "name= ext="),
        ("c/{folder}/{name}", "x/y/z", "folder=x/y name=z"),
        ("c/{name}", "x/y.z", "name=x/y.z"),
        ("c/{a}-{b}-{c}", "1-2-3-4", "a=1-2 b=3 c=4"),
        ("c/{a}--{b}", "---", "a=- b="),
        ("c/in/{name}.txt", "in/.txt", "name="),
        ("c/{name}.txt", "a.txt.txt", "name=a.txt"),
        ("c/{{{name}}}", "{x}", "name=x"),
        ("c/{Name}é{x}", "aébéc", "Name=aéb x=c"),
        ("c/{DateTime}", "now", "DateTime=now"),
    ] {
        assert_eq!(taken(path, blob).as_deref(), Some(expected), "{path} {blob}");
    }
}

#[test]
fn other_names_do_not_fit() {
    for (path, blob) in [
        ("c/{name}.{ext}", "abc"),
        ("c/{name}.txt", "a.TXT"),
        ("c/in/{name}", "In/a"),
        ("c/in/{name}", "in"),
        ("c/ab{name}bc", "abc"),
        ("c/{a}-{b}-{c}", "1-2"),
        ("c/a.txt", "A.txt"),
        ("c/a.txt", "a.txt2"),
    ] {
        assert_eq!(taken(path, blob), None, "{path} {blob}");
    }
}

#[test]
fn a_name_alone_and_a_container_alone() {
    assert_eq!(taken("c/a{{1}}.txt", "a{1}.txt").as_deref(), Some(""));
    assert_eq!(taken("samples", "any/thing").as_deref(), Some(""));
    assert_eq!(pattern("samples").container(), "samples");
    assert_eq!(pattern("samples/{name}").container(), "samples");
}

#[test]
fn errors_say_what_would_be_right() {
    for (path, expected) in [
        ("", PatternError::NoContainer),
        ("/{name}", PatternError::NoContainer),
        ("c/", PatternError::NoBlob),
        ("{c}/{name}", PatternError::ContainerParameter),
        ("{{c}}/{name}", PatternError::ContainerParameter),
        ("{c", PatternError::ContainerParameter),
        ("c\\{name}", PatternError::Backslash),
        ("c/{a}{b}", PatternError::Adjacent("a".into(), "b".into())),
        ("c/x{a}-{b}{c}", PatternError::Adjacent("b".into(), "c".into())),
        ("c/{a}/{A}", PatternError::Duplicate("A".into())),
        ("c/{a.b}", PatternError::Name("a.b".into())),
        ("c/{rand-guid}", PatternError::Name("rand-guid".into())),
        ("c/{a:int}", PatternError::Name("a:int".into())),
        ("c/{a", PatternError::Template(ExpressionError::Unclosed)),
        ("c/a}", PatternError::Template(ExpressionError::Unopened)),
        ("c/{}", PatternError::Template(ExpressionError::NoName)),
    ] {
        assert_eq!(BlobPattern::parse(path), Err(expected), "{path}");
    }
    let error = BlobPattern::parse("c/{a.b}").unwrap_err().to_string();
    assert_eq!(error, "has `{a.b}`, which can't take a part of a blob's name: write a name of letters, digits and `_`");
}

/// Texts and parameters by turns.
fn blob_template() -> impl Strategy<Value = (String, Vec<String>, String)> {
    (prop::collection::vec("[ab./-]{1,2}", 1..4), "[ab./-]{0,2}").prop_map(|(texts, last)| (texts.concat(), texts, last))
}

proptest! {
    #[test]
    fn agrees_with_the_sdks_regular_expression((_, texts, last) in blob_template(), blob in "[ab./-]{0,12}") {
        let mut path = "c/".to_owned();
        let mut expression = "^".to_owned();
        for (index, text) in texts.iter().enumerate() {
            path.push_str(&format!("{text}{{p{index}}}"));
            expression.push_str(&format!("{}(?<p{index}>.*)", regex::escape(text)));
        }
        path.push_str(&last);
        expression.push_str(&format!("{}$", regex::escape(&last)));
        let expected = regex::Regex::new(&expression).unwrap().captures(&blob).map(|found| {
            (0..texts.len()).map(|index| (format!("p{index}"), found[index + 1].to_owned())).collect::<BTreeMap<_, _>>()
        });
        prop_assert_eq!(pattern(&path).match_name(&blob), expected);
    }

    #[test]
    fn what_is_taken_gives_the_name_again((_, texts, last) in blob_template(), values in prop::collection::vec("[abé./-]{0,5}", 4)) {
        let mut path = "c/".to_owned();
        for (index, text) in texts.iter().enumerate() {
            path.push_str(&format!("{text}{{p{index}}}"));
        }
        path.push_str(&last);
        let fill = |values: &dyn Fn(usize) -> String| texts.iter().enumerate().map(|(index, text)| format!("{text}{}", values(index))).collect::<String>() + &last;
        let blob = fill(&|index| values[index].clone());
        let taken = pattern(&path).match_name(&blob).unwrap();
        prop_assert_eq!(fill(&|index| taken[&format!("p{index}")].clone()), blob);
    }

    #[test]
    fn never_panics(path: String, near in "(c/)?[{}ab.:/é\\\\-]{0,20}", blob: String) {
        for path in [path, near] {
            match BlobPattern::parse(&path) {
                Ok(pattern) => drop(pattern.match_name(&blob)),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn long_names_are_fast() {
    let path = format!("c/{}", (0..50).map(|index| format!("{{p{index}}}a")).collect::<String>());
    let started = std::time::Instant::now();
    assert!(pattern(&path).match_name(&"a".repeat(100_000)).is_some());
    assert!(pattern(&path).match_name(&format!("{}b", "a".repeat(100_000))).is_none());
    assert!(started.elapsed() < std::time::Duration::from_secs(2));
}
