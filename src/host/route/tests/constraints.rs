//! Which values fit which constraints.

use super::super::constraint::{Constraint, Room};
use super::{table, values};

fn check(constraint: &str, good: &[&str], bad: &[&str]) {
    let parsed = Constraint::parse(constraint, &mut Room::default()).unwrap();
    for value in good {
        assert!(parsed.accepts(value), "{constraint} should accept {value:?}");
    }
    for value in bad {
        assert!(!parsed.accepts(value), "{constraint} should refuse {value:?}");
    }
}

#[test]
fn whole_numbers() {
    check(
        "int",
        &["0", "-1", "+7", " 7\t", "007", "2147483647", "-2147483648"],
        &["", "2147483648", "1.0", "1,000", "x", "0x1", "-", "٣", "1 2"],
    );
    check("long", &["9223372036854775807", "-9223372036854775808"], &["9223372036854775808", "1e3"]);
    check("min(-2)", &["-2", "0", "9223372036854775807"], &["-3", "x", "9223372036854775808"]);
    check("MAX( 5 )", &["5", "-7"], &["6", ""]);
    check("range(1, 9)", &["1", "9"], &["0", "10", "a"]);
}

#[test]
fn other_numbers() {
    check(
        "decimal",
        &["1", "-1.5", "1.5-", "1,000.25", ".5", "5.", " 7 ", "79228162514264337593543950335"],
        &["79228162514264337593543950336"],
    );
    check("decimal", &[], &["", ".", ",1", "1e3", "NaN", "+1-", "--1", "1.2.3", "1.2,3", "1 2"]);
    for constraint in ["double", "float"] {
        check(
            constraint,
            &["1", "-1.5", "1e3", "1.5E-10", "1,000", ".5", "NaN", "-infinity", "1e999"],
            &["", "e3", "1e", "1e+", "1.5-", "inf", "0x1", "1e3.5"],
        );
    }
}

#[test]
fn words_and_ids() {
    check("bool", &["true", "False", " TRUE "], &["", "1", "yes", "true1"]);
    check("alpha", &["a", "Zz"], &["a1", "é", "a-b"]);
    check(
        "guid",
        &[
            "12345678-1234-1234-1234-123456789abc",
            "12345678123412341234123456789ABC",
            "{12345678-1234-1234-1234-123456789abc}",
            "(12345678-1234-1234-1234-123456789abc)",
        ],
        &[
            "",
            "12345678-1234-1234-1234-123456789ab",
            "12345678-1234-1234-1234-123456789abg",
            "{12345678123412341234123456789abc}",
            "{12345678-1234-1234-1234-123456789abc)",
            "urn:uuid:12345678-1234-1234-1234-123456789abc",
            "{é}",
        ],
    );
    check("required", &["a", " "], &[""]);
    check("file", &["a.txt", ".gitignore", "a/b.c", "a.b.", "..a"], &["", "a", "a.", "a.b/c", "...", "a.b/"]);
    check("nonfile", &["", "a", "a.", "a.b/c"], &["a.txt", "a/b.c"]);
}

#[test]
fn lengths_are_in_utf16_units() {
    check("length(2)", &["ab", "éé", "😀"], &["a", "abc", "é"]);
    check("length(2,4)", &["ab", "abcd"], &["a", "abcde"]);
    check("minlength(2)", &["ab", "😀"], &["a"]);
    check("maxlength(2)", &["", "ab", "😀"], &["abc", "😀a"]);
}

#[test]
fn dates_and_times() {
    let good = [
        "2024-05-31",
        "2024-5-3",
        "2024-05",
        "2024-02-29",
        "2024/05/31",
        "05-31-2024",
        "5.31.24",
        "31 May 2024",
        "May 31, 2024",
        "31-Dec-2024",
        "August 2024",
        "Fri, 31 May 2024 17:59:55 GMT",
        "2024-05-31T17:59",
        "2024-05-31T17:59:55Z",
        "2024-05-31t17:59:55.1234567+01:00",
        "2024-05-31 5:59 pm",
        "2024-05-31 17:59:55 -05",
        "17:59",
        " 17:59:55 ",
    ];
    let bad = [
        "",
        "today",
        "2024",
        "20240531",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29",
        "31-05-2024",
        "0000-01-01",
        "31 Foo 2024",
        "2024-05-31T",
        "2024-05-31T24:00",
        "2024-05-31T17:60",
        "2024-05-31T17:59:60",
        "2024-05-31T17:59:55.",
        "2024-05-31 13:59 pm",
        "2024-05-31T17:59+15:00",
        "2024-05-31T17:59é",
        "T17:59",
        ":",
        "1:2:3:4",
    ];
    check("datetime", &good, &bad);
}

#[test]
fn regular_expressions() {
    check("regex(^[a-z]{3}$)", &["abc", "ABC"], &["ab", "abcd"]);
    check("regex(b)", &["abc"], &["ac"]);
    check("regex()", &["", "x"], &[]);
    for (template, path, wanted) in [
        (r"{a:regex(^\d{{3}}-\d{{3}}-\d{{4}}$)}", "/123-456-7890", true),
        (r"{a:regex(^\d{{3}}-\d{{3}}-\d{{4}}$)}", "/123-456-789", false),
        (r"{a:regex(^\w+\@\w+\.\w+)}", "/asd@assds.com", true),
        (r"{a:regex(([}}])\w+)}", "/}sda", true),
        (r"{a:regex(([{{(])\w+)}", "/(sda", true),
        (r"{a:regex(^(?:a|b):c$):length(3)}", "/a:c", true),
        (r"{a:regex(^(a):(b)=(c)$)=(d)}", "/a:b=c", true),
        (r"{a:regex(^(a):(b)$)=a:b}", "/", true),
        (r"{a:regex(^a\):b$):maxlength(4)}", "/a):b", true),
        (r"{a:regex([(]):length(1)}", "/(", true),
        (r"{a:regex([(]):length(1)}", "/((", false),
        (r"{a:regex(^\w{{1,200}}$)}", "/abc", true),
        (r"{a:regex(^(x|y)$)?}", "/", true),
        (r"{a:regex(^(x|y)$)?}", "/z", false),
    ] {
        assert_eq!(values(template, path).is_some(), wanted, "{template} {path}");
    }
}

#[test]
fn all_constraints_must_hold() {
    for (template, path, wanted) in [
        ("{a:int:min(5)}", "/5", Some("a=5")),
        ("{a:int:min(5)}", "/4", None),
        ("{a:int?}", "/", Some("")),
        ("{a:int?}", "/x", None),
        ("{a:int=5}", "/", Some("a=5")),
        ("{a:int=x}", "/", None),
        ("{a:int=x}", "/7", Some("a=7")),
        ("{a:int}-{b:alpha}", "/1-b", Some("a=1 b=b")),
        ("{a:int}-{b:alpha}", "/1-2", None),
        ("{a}.{b:alpha?}", "/x", Some("a=x")),
        // The parts were found, so the optional one is not left out after all.
        ("{a}.{b:alpha?}", "/x.1", None),
        ("{*a:int}", "/1", Some("a=1")),
        ("{*a:int}", "/1/2", None),
        ("{*a:int}", "/", None),
        ("{*a:minlength(0)}", "/", None),
        ("{*a:nonfile}", "/", Some("")),
        ("{*a:nonfile}", "/x/y.z", None),
        ("{*a:file}", "/x/y.z", Some("a=x/y.z")),
    ] {
        assert_eq!(values(template, path).as_deref(), wanted, "{template} {path}");
    }
}

#[test]
fn expressions_share_a_room() {
    let routes = |count: usize, expression: &str| -> Vec<(String, String)> {
        (0..count).map(|index| (format!("f{index}"), format!("{index}/{{a:regex({expression})}}"))).collect()
    };
    let errors = |routes: &[(String, String)]| -> Vec<String> {
        let routes: Vec<_> = routes.iter().map(|(function, template)| (function.as_str(), template.as_str())).collect();
        table("", &routes).1.iter().map(ToString::to_string).collect()
    };
    assert_eq!(errors(&routes(1_000, "^[a-z0-9]+$")), [""; 0]);
    // Each takes several MiB.
    let large = errors(&routes(5, r"^\w{{1,200}}$"));
    assert_eq!(large.len(), 2, "{large:?}");
    assert!(large.iter().all(|error| error.contains("those of all routes would take more than 64 MiB")), "{large:?}");
    let long = errors(&routes(1, &r"\w".repeat(5_000)));
    assert!(long[0].contains("it is longer than 8192 bytes"), "{long:?}");
}
