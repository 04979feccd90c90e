//! What must hold of bindings: their fields, the texts in them, and what goes through them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A target fails by panicking.

mod http;

use super::account::{Accounts, Stores};
use super::blob::pattern::BlobPattern;
use super::expression::template::is_name;
use super::expression::{BindingData, Context, Expression};
use super::http::HttpTrigger;
use super::queue::text::{Body, of_json, of_text};
use super::timer::schedule::Schedule;
use super::{Making, make};
use crate::app::{Function, HostConfig, MessageEncoding, Settings};
use crate::fuzzing::{SECRET, pairs, parts, sentence, text};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, LazyLock};

pub(crate) use self::http::{request, response};

/// Those whose clocks do something odd.
static ZONES: LazyLock<Vec<TimeZone>> = LazyLock::new(|| {
    let names = ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"];
    [TimeZone::UTC].into_iter().chain(names.iter().filter_map(|name| TimeZone::get(name).ok())).collect()
});
/// Around a change of Berlin's clock.
const NOW: i64 = 1_711_846_740;

/// Makes all bindings of a function.
pub(crate) fn all_of(function: &Function) {
    static HOST: LazyLock<HostConfig> = LazyLock::new(crate::app::fuzzing::host_config);
    let settings: Settings =
        [("Account".to_owned(), "UseDevelopmentStorage=true".to_owned()), ("Name".to_owned(), "abc".to_owned())].into_iter().collect();
    let accounts = Accounts::new(Arc::new(Stores::default()), settings.clone(), Path::new("/app"), Path::new("/data"), u64::MAX);
    let making = Making { function: &function.name, settings: &settings, host: &HOST, accounts: &accounts, host_id: "host" };
    for binding in function.bindings.iter() {
        match make(binding, &making) {
            Ok(part) => drop(format!("{part:?}")),
            Err(error) => sentence(&error.to_string()),
        }
        if binding.is(super::http::TRIGGER)
            && let Err(error) = HttpTrigger::from_binding(binding)
        {
            sentence(&error.to_string());
        }
    }
}

/// An expression, a JSON object with data, and settings.
pub(crate) fn expression(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let (written, data) = (parts[0], parts.get(1).copied().unwrap_or("{}"));
    let settings = pairs(parts.get(2..).unwrap_or_default());
    let data: BindingData = serde_json::from_str::<serde_json::Map<String, Value>>(data).unwrap_or_default().into();
    let of_setting = |name: &str, mark: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| format!("{value}{mark}"));
    if !text.contains(SECRET)
        && let Err(error) = Expression::parse(written, &|name| of_setting(name, "§"))
    {
        assert!(!error.to_string().contains(SECRET), "an error shows a setting: {error}");
    }
    // Written so that all of it is text.
    let escaped = written.replace('{', "{{").replace('}', "}}");
    if !escaped.contains('%') {
        assert_eq!(Expression::parse(&escaped, &|_| None).unwrap().constant().as_deref(), Some(written));
    }
    let expression = match Expression::parse(written, &|name| of_setting(name, "")) {
        Ok(expression) => expression,
        Err(error) => return sentence(&error.to_string()),
    };
    let names = expression.names();
    assert!(names.iter().all(|name| is_name(name)));
    let context = Context { method_name: "f", now: Timestamp::from_second(NOW).unwrap() };
    let evaluated = expression.evaluate(&data, &context);
    if let Some(constant) = expression.constant() {
        assert_eq!(evaluated, Ok(constant));
        assert!(names.is_empty());
    } else if names.iter().any(|name| data.get(name).is_none()) {
        assert!(evaluated.is_err());
    }
    match evaluated {
        // No value is put in more often than it is asked for.
        Ok(filled) => assert!(filled.len() <= (1 + text.len()) * (64 + text.len())),
        Err(error) => sentence(&error.to_string()),
    }
}

/// A schedule, a moment in seconds and the number of a time zone.
pub(crate) fn schedule(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let schedule = match Schedule::parse(parts[0]) {
        Ok(schedule) => schedule,
        Err(error) => return sentence(&error.to_string()),
    };
    let shown = schedule.to_string();
    assert_eq!(Schedule::parse(&shown).as_ref(), Ok(&schedule), "{shown}");
    let seconds = parts.get(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(NOW);
    let Ok(now) = Timestamp::from_second(seconds) else { return };
    let zone = parts.get(2).and_then(|zone| ZONES.get(zone.parse::<usize>().ok()?)).cloned().unwrap_or(TimeZone::UTC);
    let mut now = now.to_zoned_datetime(zone.clone());
    for _ in 0..4 {
        let Some(next) = schedule.next_after(&now) else { return };
        assert!(next > now, "{shown} after {now} is {next}");
        // Of a calendar: nothing is left out on the way.
        if !shown.contains(':') {
            let way = next.timestamp().duration_since(now.timestamp());
            for moment in [now.timestamp() + way / 2, next.timestamp() - SignedDuration::from_nanos(1)] {
                assert_eq!(schedule.next_after(&moment.to_zoned_datetime(zone.clone())).as_ref(), Some(&next), "{shown} after {moment}");
            }
        }
        now = next;
    }
}

/// A path, and a blob's name.
pub(crate) fn blob_path(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let (path, name) = (parts[0], parts.get(1).copied().unwrap_or("a/b.c.d"));
    let pattern = match BlobPattern::parse(path) {
        Ok(pattern) => pattern,
        Err(error) => return sentence(&error.to_string()),
    };
    assert!(!pattern.container().is_empty() && !pattern.container().contains(['/', '\\', '{', '}']));
    let Some(values) = pattern.match_name(name) else { return };
    let names = pattern.names();
    assert!(names.len() == values.len() && names.iter().all(|name| values.contains_key(*name)), "{names:?}: {values:?}");
    // What was taken out, put in again.
    if !names.is_empty() && !path.contains('%') {
        let data: BindingData = values.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let context = Context { method_name: "f", now: Timestamp::UNIX_EPOCH };
        let filled = Expression::parse(path, &|_| None).unwrap().evaluate(&data, &context);
        assert_eq!(filled, Ok(format!("{}/{name}", pattern.container())), "{path}");
    }
}

pub(crate) fn queue_message(bytes: &[u8]) {
    let body = Body::of_bytes(bytes.to_vec());
    let encoded = MessageEncoding::Base64.encode(body.clone()).unwrap();
    assert_eq!(MessageEncoding::Base64.decode(encoded), body);
    let Some(text) = text(bytes) else { return };
    let text = text.into_owned();
    assert_eq!(MessageEncoding::None.decode(text.clone()), Body::Text(text.clone()));
    let decoded = MessageEncoding::Base64.decode(text.clone());
    assert_eq!(MessageEncoding::Base64.decode(MessageEncoding::Base64.encode(decoded.clone()).unwrap()), decoded);

    let several = of_text(text.clone());
    match serde_json::from_str::<Vec<Value>>(&text) {
        Ok(elements) => {
            assert_eq!(several.len(), elements.len(), "{text:?}");
            for (message, element) in several.iter().zip(&elements) {
                let message = std::str::from_utf8(message.as_bytes()).unwrap();
                match element {
                    Value::String(text) => assert_eq!(message, text),
                    other => assert_eq!(serde_json::from_str::<Value>(message).as_ref().ok(), Some(other), "{message:?}"),
                }
            }
            assert_eq!(of_json(text).len(), elements.len());
        }
        // What is JSON and more than this parser takes, a number beyond all bounds, may be either.
        Err(error) if error.is_data() || error.to_string().starts_with("number out of range") => {}
        Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => {}
        Err(_) => assert_eq!(several, [Body::Text(text)]),
    }
}
