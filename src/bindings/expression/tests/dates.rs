//! .NET's formats of dates: the expected texts are what .NET's documentation says of them.

use super::*;

/// Friday, 2024-05-03 at 07:08:09.0450067.
const MORNING: Timestamp = Timestamp::constant(1_714_720_089, 45_006_789);
/// Tuesday, 2019-12-31 at 12:00:00.
const NOON: Timestamp = Timestamp::constant(1_577_793_600, 0);

fn formatted(format: &str, now: Timestamp) -> String {
    let expression = parse(&format!("{{DateTime:{format}}}")).unwrap_or_else(|error| panic!("{format}: {error}"));
    expression.evaluate(&BindingData::default(), &Context { method_name: "f", now }).unwrap()
}

#[test]
fn fields() {
    for (format, expected) in [
        ("yyyy-MM-dd", "2024-05-03"),
        ("y/M/d", "24/5/3"),
        ("yy.yyy.yyyyy", "24.2024.02024"),
        ("ddd dddd MMM MMMM", "Fri Friday May May"),
        ("HH:mm:ss", "07:08:09"),
        ("H-m-s h hh", "7-8-9 7 07"),
        ("f ff fff ffff fffff ffffff fffffff", "0 04 045 0450 04500 045006 0450067"),
        ("s.FFF s.F ss.FFFFFF", "9.045 9 09.045006"),
        ("tt t", "AM A"),
        ("z zz zzz K", "+0 +00 +00:00 Z"),
        ("yyyy g", "2024 A.D."),
        ("yyyyMMddTHHmm", "20240503T0708"),
        ("'year' yyyy \"day\" d", "year 2024 day 3"),
        (r"\d\y\'yy 'it\'s'", "dy'24 it's"),
        ("hhhh mmm sss HHH ttt", "07 08 09 07 AM"),
        ("yyyy年", "2024年"),
    ] {
        assert_eq!(formatted(format, MORNING), expected, "{format}");
    }
    for (format, expected) in [("hh tt", "12 PM"), ("s.FFF!", "0!"), ("MMM ddd", "Dec Tue"), ("FF-", "-")] {
        assert_eq!(formatted(format, NOON), expected, "{format}");
    }
}

#[test]
fn a_point_before_the_format_stays() {
    assert_eq!(
        parse("a.{DateTime:FF-}").unwrap().evaluate(&BindingData::default(), &Context { method_name: "f", now: NOON }).unwrap(),
        "a.-"
    );
}

#[test]
fn standard_formats() {
    for (format, expected) in [
        ("o", "2024-05-03T07:08:09.0450067Z"),
        ("s", "2024-05-03T07:08:09"),
        ("u", "2024-05-03 07:08:09Z"),
        ("R", "Fri, 03 May 2024 07:08:09 GMT"),
        ("d", "05/03/2024"),
        ("D", "Friday, 03 May 2024"),
        ("t", "07:08"),
        ("G", "05/03/2024 07:08:09"),
        ("y", "2024 May"),
        ("M", "May 03"),
    ] {
        assert_eq!(formatted(format, MORNING), expected, "{format}");
    }
}

#[test]
fn a_percent_sign_from_a_setting_makes_one_letter_a_field() {
    let settings = |_: &str| Some("{DateTime:%d}".to_owned());
    let expression = Expression::parse("%Day%", &settings).unwrap();
    assert_eq!(expression.evaluate(&BindingData::default(), &Context { method_name: "f", now: MORNING }).unwrap(), "3");
}

#[test]
fn what_is_no_format_is_said() {
    for (format, problem) in [
        ("q", DateFormatError::Standard),
        ("H", DateFormatError::Standard),
        ("'a", DateFormatError::Quote),
        ("yy\"", DateFormatError::Quote),
        ("yy\\", DateFormatError::Escape),
        ("yy ffffffff", DateFormatError::Fraction),
        ("yyyyyyyyyy", DateFormatError::Year),
        // More than what Rust can pad to.
        (&"y".repeat(70_000), DateFormatError::Year),
    ] {
        assert_eq!(
            parse(&format!("{{DateTime:{format}}}")),
            Err(ExpressionError::DateFormat { format: format.to_owned(), problem }),
            "{format}"
        );
    }
}
