//! Reads schedules.

use super::Kind;
use super::calendar::Calendar;
use super::error::{FieldProblem, ScheduleError};
use super::field::{Unit, Values};
use crate::app::TimeSpan;

pub(super) fn schedule(text: &str) -> Result<Kind, ScheduleError> {
    // NCrontab parts fields at spaces only.
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    match fields.as_slice() {
        [] => Err(ScheduleError::Empty),
        [word] if word.starts_with('@') => Err(ScheduleError::Word((*word).to_owned())),
        [span] if span.contains(':') => interval(span),
        [minute, hour, day, month, weekday] => cron(["0", minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => cron([second, minute, hour, day, month, weekday]),
        _ => Err(ScheduleError::Fields { count: fields.len() }),
    }
}

fn interval(text: &str) -> Result<Kind, ScheduleError> {
    let span = text.parse::<TimeSpan>()?;
    if span.ticks() > 0 { Ok(Kind::Interval(span)) } else { Err(ScheduleError::NotPositive) }
}

fn cron(texts: [&str; 6]) -> Result<Kind, ScheduleError> {
    let mut fields = Unit::ALL.map(|unit| Values::stepped(unit, unit.least(), unit.most(), 1));
    for ((field, unit), text) in fields.iter_mut().zip(Unit::ALL).zip(texts) {
        *field = list(unit, text).map_err(|problem| ScheduleError::Field { unit, text: text.to_owned(), problem })?;
    }
    let [seconds, minutes, hours, days, months, weekdays] = fields;
    Ok(Kind::Cron(Calendar { seconds, minutes, hours, days, months, weekdays }))
}

fn list(unit: Unit, text: &str) -> Result<Values, FieldProblem> {
    let mut items = text.split(',').map(|text| item(unit, text));
    let first = items.next().unwrap_or(Err(FieldProblem::Missing(unit)))?;
    items.try_fold(first, |values, item| Ok(values.or(item?)))
}

/// `*`, `a` or `a-b`, maybe with a step.
fn item(unit: Unit, text: &str) -> Result<Values, FieldProblem> {
    let (range, every) = match text.split_once('/') {
        Some((range, every)) => (range, Some(step(unit, every)?)),
        None => (text, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (unit.least(), unit.most()),
        Some((first, last)) => (value(unit, first)?, value(unit, last)?),
        // A step makes one value a range, without one it is itself alone.
        None => {
            let only = value(unit, range)?;
            (only, if every.is_some() { unit.most() } else { only })
        }
    };
    Ok(Values::stepped(unit, first.min(last), first.max(last), every.unwrap_or(1)))
}

fn step(unit: Unit, text: &str) -> Result<usize, FieldProblem> {
    let number = if digits(text) { text.parse().ok() } else { None };
    number.ok_or_else(|| if text.is_empty() { FieldProblem::Missing(unit) } else { FieldProblem::Step(text.to_owned()) })
}

fn value(unit: Unit, text: &str) -> Result<u32, FieldProblem> {
    let value =
        if digits(text) { text.parse().ok().filter(|number| (unit.least()..=unit.most()).contains(number)) } else { unit.named(text) };
    value.ok_or_else(|| match foreign(text) {
        _ if text.is_empty() => FieldProblem::Missing(unit),
        _ if unit == Unit::Weekday && text == "7" => FieldProblem::Seven,
        Some(letter) => FieldProblem::Foreign(letter),
        None => FieldProblem::Value { unit, value: text.to_owned() },
    })
}

/// A sign of Quartz and its kin in something that is no value.
fn foreign(text: &str) -> Option<char> {
    let others = |letter: &char| matches!(letter, '?' | '#' | 'L' | 'W');
    let rest_is_number = text.trim_matches(|letter: char| letter.is_ascii_digit() || others(&letter)).is_empty();
    text.chars().find(others).filter(|_| rest_is_number)
}

/// Digits alone: `parse` would take a sign too.
fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
