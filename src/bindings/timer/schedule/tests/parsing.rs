//! What is a schedule, and what is said of what is none.

use super::schedule;
use crate::bindings::timer::schedule::Schedule;

fn shown(text: &str) -> String {
    schedule(text).to_string()
}

fn error(text: &str) -> String {
    Schedule::parse(text).unwrap_err().to_string()
}

#[test]
fn fields_take_lists_ranges_and_steps() {
    for (text, expected) in [
        ("* * * * * *", "* * * * * *"),
        ("0 */15 * * * *", "0 0,15,30,45 * * * *"),
        ("  0  0   0 1 1 *  ", "0 0 0 1 1 *"),
        ("5/20 * * * * *", "5,25,45 * * * * *"),
        ("1,2,3,10-12,50-59/3 0 0 * * *", "1-3,10-12,50,53,56,59 0 0 * * *"),
        ("0 0 22-2 * * *", "0 0 2-22 * * *"),
        ("0 0 22-2/10 * * *", "0 0 2,12,22 * * *"),
        ("0 0 5-5/2 * * *", "0 0 5 * * *"),
        ("0 0 23/5 * * *", "0 0 23 * * *"),
        ("*/0 */1 */99 * * *", "* * 0 * * *"),
        ("0-59 0,0,0 007 * * *", "* 0 7 * * *"),
        ("*/5 * * * *", "0 0,5,10,15,20,25,30,35,40,45,50,55 * * * *"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn names_match_by_their_beginning() {
    for text in
        ["0 0 0 * 1-6/5 1-5", "0 0 0 * jan,jun MON-fri", "0 0 0 * January,June Monday-Friday", "0 0 0 * j,jun m-f", "0 0 0 * 1,6 Fri-Mon"]
    {
        assert_eq!(shown(text), "0 0 0 * 1,6 1-5", "{text}");
    }
    assert_eq!(shown("0 0 0 * ma s,t"), "0 0 0 * 3 0,2");
}

#[test]
fn intervals_are_time_spans() {
    for (text, expected) in
        [("00:05:00", "00:05:00"), (" 1.12:00:00 ", "1.12:00:00"), ("0:0:1", "00:00:01"), ("00:00:00.5", "00:00:00.5000000")]
    {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn errors_say_what_would_be_right() {
    for (text, expected) in [
        ("", "is empty: write six fields like `0 */5 * * * *` (second, minute, hour, day, month, weekday), or a time span like `00:05:00`"),
        ("@daily", "is `@daily`, but there are no such words here: write six fields, `0 0 0 * * *` for every midnight"),
        ("5", "has 1 field, but needs six like `0 */5 * * * *`: second, minute, hour, day, month, weekday"),
        ("* * * * * * *", "has 7 fields, but needs six like `0 */5 * * * *`: second, minute, hour, day, month, weekday"),
        ("0 0 24 * * *", "has `24` as its hour, but `24` is none: hours are 0 to 23"),
        ("0 0 0 0 * *", "has `0` as its day, but `0` is none: days are 1 to 31"),
        ("0 0 0 * 1-13 *", "has `1-13` as its month, but `13` is none: months are 1 to 12, or names like Jan"),
        ("0 0 0 * * 7", "has `7` as its weekday, but 7 is none: Sunday is 0"),
        ("0 0 0 * * 5-7", "has `5-7` as its weekday, but 7 is none: Sunday is 0"),
        ("0 0 0 ? * *", "has `?` as its day, but `?` is unknown here: use `*`, numbers, lists, ranges and steps"),
        ("0 0 0 * * Mondays", "has `Mondays` as its weekday, but `Mondays` is none: weekdays are 0 (Sunday) to 6, or names like Mon"),
        ("Mon 0 0 * * *", "has `Mon` as its second, but `Mon` is none: seconds are 0 to 59"),
        ("0 1,,2 0 * * *", "has `1,,2` as its minute, but nothing is on one side of a `,`, `-` or `/`: minutes are 0 to 59"),
        ("0 */x 0 * * *", "has `*/x` as its minute, but `x` is no step: that is a whole number, as in `*/5`"),
        ("00:75:00", "must have minutes from 00 to 59"),
        ("00:00:00", "must be a time span of more than nothing, like `00:05:00`"),
        ("-00:05:00", "must be a time span of more than nothing, like `00:05:00`"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn what_other_schedulers_know_is_refused() {
    for text in [
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 LW * *",
        "0 0 0 * * 5L",
        "0 0 0 * * 5#2",
        "0 0 0 * * #",
        "@every 5m",
        "0 0 0 -1 * *",
        "0 0 0 1- * *",
        "0 0 0 /2 * *",
        "0 0 0 */ * *",
        "0 0 0 */-2 * *",
        "0 0 0 */+2 * *",
        "0 0 0 +1 * *",
        "0 0 0 *-5 * *",
        "0 0 0 1-2-3 * *",
        "0 0 0 1/2/3 * *",
        "0 0 0 , * *",
        "0 0 0 ** * *",
        "0 0 0 1, * *",
        "0 */99999999999999999999 0 * * *",
        "0 99999999999 0 * * *",
        "0\t0 0 * * *",
        "%cron%",
        "٣ * * * * *",
    ] {
        assert!(Schedule::parse(text).is_err(), "{text}");
    }
}
