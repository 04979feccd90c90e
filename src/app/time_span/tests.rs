//! The forms of time spans, and that what is written reads back the same.

use proptest::prelude::*;

use super::*;

fn ticks(text: &str) -> Result<i64, TimeSpanError> {
    text.parse::<TimeSpan>().map(TimeSpan::ticks)
}

#[test]
fn reads_the_documented_forms() {
    const SECOND: i64 = 10_000_000;
    assert_eq!(ticks("00:05:00"), Ok(300 * SECOND));
    assert_eq!(ticks("1.12:00:00"), Ok(36 * 3600 * SECOND));
    assert_eq!(ticks(" 00:00:00.5 "), Ok(SECOND / 2));
    assert_eq!(ticks("0:0:1"), Ok(SECOND));
    assert_eq!(ticks("00:30"), Ok(1800 * SECOND));
    assert_eq!(ticks("-00:00:00.0000001"), Ok(-1));
    assert_eq!(ticks("10675199.02:48:05.4775807"), Ok(i64::MAX));
    assert_eq!(ticks("-10675199.02:48:05.4775808"), Ok(i64::MIN));
}

#[test]
fn says_what_is_wrong() {
    for text in
        ["", "5", "-1", "1.5", "00:00:00:00", "aa:00:00", "00:00:", "00:00:00.", "00:00:00.00000001", "+1:00:00", "00:-1:00", "٣:00:00"]
    {
        assert_eq!(ticks(text), Err(TimeSpanError::Form), "{text}");
    }
    assert_eq!(ticks("24:00:00"), Err(TimeSpanError::Hours));
    assert_eq!(ticks("00:60:00"), Err(TimeSpanError::Minutes));
    assert_eq!(ticks("00:00:60"), Err(TimeSpanError::Seconds));
    assert_eq!(ticks("10675199.02:48:05.4775808"), Err(TimeSpanError::TooLong));
    assert_eq!(ticks("99999999999999999999.00:00:00"), Err(TimeSpanError::TooLong));
}

#[test]
fn becomes_a_duration() {
    assert_eq!("00:00:01.0000001".parse::<TimeSpan>().unwrap().to_duration(), Some(Duration::new(1, 100)));
    assert_eq!(TimeSpan::from_ticks(-1).to_duration(), None);
}

proptest! {
    #[test]
    fn reads_what_it_writes(ticks: i64) {
        let span = TimeSpan::from_ticks(ticks);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn writes_in_the_shortest_form(days in 0_i64..1_000_000, hours in 0..24, minutes in 0..60, seconds in 0..60) {
        let text = format!("{days}.{hours:02}:{minutes:02}:{seconds:02}");
        let span: TimeSpan = text.parse().unwrap();
        prop_assert_eq!(span.to_string(), text.strip_prefix("0.").unwrap_or(&text));
    }

    #[test]
    fn never_panics(text in "[-0-9.: a٣]{0,30}") {
        let _ = text.parse::<TimeSpan>();
    }
}
