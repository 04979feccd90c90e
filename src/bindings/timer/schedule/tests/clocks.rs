//! What happens when clocks change: see the head of the module.

use super::runs;

const BERLIN: &str = "Europe/Berlin";

#[test]
fn times_in_the_gap_run_once_after_it() {
    let expected = ["2024-03-30 02:30:00 +01:00", "2024-03-31 03:00:00 +02:00", "2024-04-01 02:30:00 +02:00"];
    assert_eq!(runs("0 30 2 * * *", BERLIN, "2024-03-30T00:00:00", 3), expected);
    // From the last second before the gap too.
    assert_eq!(runs("0 30 2 * * *", BERLIN, "2024-03-31T01:59:59.5", 1), expected[1..2]);
    let expected = ["2024-03-31 01:50:00 +01:00", "2024-03-31 03:00:00 +02:00", "2024-03-31 03:10:00 +02:00"];
    assert_eq!(runs("0 */10 1-3 * * *", BERLIN, "2024-03-31T01:40:00", 3), expected);
    assert_eq!(runs("0 10 1-3 * * *", BERLIN, "2024-03-31T01:10:00", 2), ["2024-03-31 03:00:00 +02:00", "2024-03-31 03:10:00 +02:00"]);
}

#[test]
fn times_that_come_twice_run_the_first_time() {
    let expected = ["2024-10-27 02:30:00 +02:00", "2024-10-28 02:30:00 +01:00"];
    assert_eq!(runs("0 30 2 * * *", BERLIN, "2024-10-27T00:00:00", 2), expected);
    assert_eq!(runs("0 30 2 * * *", BERLIN, "2024-10-27T02:00:00+01:00", 1), expected[1..]);
    assert_eq!(runs("0 30 2 * * *", BERLIN, "2024-10-27T02:15:00+01:00", 1), expected[1..]);
    let expected = ["2024-10-27 02:40:00 +02:00", "2024-10-27 03:00:00 +01:00"];
    assert_eq!(runs("0 */20 1-4 * * *", BERLIN, "2024-10-27T02:20:00+02:00", 2), expected);
    assert_eq!(runs("0 */20 1-4 * * *", BERLIN, "2024-10-27T02:20:00+01:00", 1), expected[1..]);
}

#[test]
fn schedules_of_all_hours_go_on_in_real_time() {
    let expected = ["2024-03-31 01:30:00 +01:00", "2024-03-31 03:00:00 +02:00", "2024-03-31 03:30:00 +02:00"];
    assert_eq!(runs("0 */30 * * * *", BERLIN, "2024-03-31T01:00:00", 3), expected);
    assert_eq!(runs("0 30 * * * *", BERLIN, "2024-03-31T01:30:00", 1), expected[2..]);
    let expected = ["2024-10-27 02:30:00 +02:00", "2024-10-27 02:00:00 +01:00", "2024-10-27 02:30:00 +01:00", "2024-10-27 03:00:00 +01:00"];
    assert_eq!(runs("0 */30 * * * *", BERLIN, "2024-10-27T02:00:00+02:00", 4), expected);
    assert_eq!(runs("* * * * * *", BERLIN, "2024-10-27T02:59:59+02:00", 1), ["2024-10-27 02:00:00 +01:00"]);
}

#[test]
fn clocks_may_jump_at_midnight_or_by_half_an_hour() {
    let brazil = "America/Sao_Paulo";
    assert_eq!(runs("0 0 0 * * *", brazil, "2018-11-03T12:00:00", 2), ["2018-11-04 01:00:00 -02:00", "2018-11-05 00:00:00 -02:00"]);
    let expected = ["2018-02-17 23:30:00 -02:00", "2018-02-17 23:30:00 -03:00", "2018-02-24 00:30:00 -03:00"];
    assert_eq!(runs("0 30 * * * Sat", brazil, "2018-02-17T22:30:00", 3), expected);
    let lord_howe = "Australia/Lord_Howe";
    assert_eq!(runs("0 45 1 * * *", lord_howe, "2024-04-07T00:00:00", 2), ["2024-04-07 01:45:00 +11:00", "2024-04-08 01:45:00 +10:30"]);
    assert_eq!(runs("0 15 2 * * *", lord_howe, "2024-10-06T00:00:00", 1), ["2024-10-06 02:30:00 +11:00"]);
}

#[test]
fn a_whole_day_may_be_left_out() {
    let expected = ["2011-12-29 12:00:00 -10:00", "2011-12-31 00:00:00 +14:00", "2011-12-31 12:00:00 +14:00"];
    assert_eq!(runs("0 0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00", 3), expected);
    assert_eq!(runs("0 0 * * * *", "Pacific/Apia", "2011-12-29T23:00:00", 1), ["2011-12-31 00:00:00 +14:00"]);
}
