//! What must hold of an app's files, whatever is in them.

#![allow(clippy::unwrap_used)] // A target fails by panicking.

use super::host_config::{self, HostConfig};
use super::json::{Document, Step};
use super::settings::{self, LocalSettings};
use super::{App, Destination, Function, LocalHost, ProgrammingModel, Settings, TimeSpan};
use crate::fuzzing::{SECRET, pairs, parts, sentence, text};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;

pub(crate) use super::function::fuzzing::function_json;

/// Bytes that may be gone through in looking for a document's values.
const MOST_LOOKED_AT: usize = 64 << 10;

pub(crate) fn json(bytes: &[u8]) {
    // What is no text counts here: it is refused.
    let stretched = text(bytes);
    let bytes = stretched.as_ref().map_or(bytes, |text| text.as_bytes());
    let document = match Document::parse("a.json", bytes) {
        Ok(document) => document,
        Err(error) => {
            let error = error.to_string();
            sentence(&error);
            let line = error.strip_prefix("a.json:").and_then(|rest| rest.split(':').next()).unwrap();
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!((1..=lines).contains(&line.parse().unwrap()), "{error} in {lines} lines");
            return;
        }
    };
    let written = document.value().to_string();
    assert_eq!(Document::parse("a.json", written.as_bytes()).unwrap().value(), document.value());
    let mut places = Vec::new();
    collect(document.value(), &mut Vec::new(), &mut places);
    for place in places.iter().take(1 + MOST_LOOKED_AT / bytes.len().max(1)) {
        assert!(document.holds(place), "{place:?} is not found");
        let texts = document.texts(place);
        if let Some(Value::Object(members)) = document.value_at(place) {
            assert_eq!(texts.len(), members.len(), "{place:?} has {texts:?}");
            for (key, text) in texts {
                assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), members.get(&key), "{key:?} of {place:?} is {text:?}");
            }
        } else {
            assert!(texts.is_empty());
        }
        let position = document.position(place);
        let line = std::str::from_utf8(bytes).unwrap().split('\n').nth(position.line - 1).unwrap();
        assert!(position.column <= line.chars().count(), "{place:?} is at {position:?}");
    }
}

fn collect(value: &Value, path: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    if places.len() >= 64 {
        return;
    }
    places.push(path.clone());
    let children: Vec<(Step, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (Step::Index(index), value)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in children {
        path.push(step);
        collect(value, path, places);
        path.pop();
    }
}

/// What host.json says where there is none.
pub(crate) fn host_config() -> HostConfig {
    HostConfig::read(None, std::iter::empty()).unwrap().config
}

/// A file, then settings.
pub(crate) fn host_json(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let [file, settings @ ..] = parts.as_slice() else { return };
    let document = match Document::parse(host_config::FILE, file.as_bytes()) {
        Ok(document) => document,
        Err(error) => return sentence(&error.to_string()),
    };
    let settings: BTreeMap<&str, &str> = pairs(settings).into_iter().collect();
    match HostConfig::read(Some(document.clone()), settings.iter().map(|(name, value)| (*name, *value))) {
        Ok(read) => {
            read.notices.iter().for_each(|notice| sentence(notice));
            let config = read.config;
            // A setting's 2.0 is a number.
            if config.raw.iter().any(|(key, value)| key.eq_ignore_ascii_case("version") && value.is_string()) {
                let again = Document::parse(host_config::FILE, Value::Object(config.raw.clone()).to_string().as_bytes()).unwrap();
                assert_eq!(HostConfig::read(Some(again), std::iter::empty()).unwrap().config, config);
            }
        }
        Err(error) => sentence(&error.to_string()),
    }
    if !text.contains(SECRET) {
        let secrets: Vec<(&str, String)> = settings.iter().map(|(name, value)| (*name, format!("{value}{SECRET}"))).collect();
        if let Err(error) = HostConfig::read(Some(document), secrets.iter().map(|(name, value)| (*name, value.as_str()))) {
            assert!(!error.to_string().contains(SECRET), "an error shows a setting: {error}");
        }
    }
}

pub(crate) fn local_settings(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let document = match Document::parse(settings::FILE, text.as_bytes()) {
        Ok(document) => document,
        Err(error) => return sentence(&error.to_string()),
    };
    match LocalSettings::read(Some(document.clone())) {
        Ok(local) => {
            for (name, value) in &local.values {
                assert!(!name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'));
            }
            let settings = Settings::collect(&local.values, &[], &[]);
            assert!(local.values.iter().all(|(name, _)| settings.get(name).is_some()));
        }
        Err(error) => sentence(&error.to_string()),
    }
    if !text.contains(SECRET) {
        let mut value = document.value().clone();
        mark(&mut value);
        if let Err(error) = LocalSettings::read(Some(Document::parse(settings::FILE, value.to_string().as_bytes()).unwrap())) {
            assert!(!error.to_string().contains(SECRET), "an error shows a value: {error}");
        }
    }
}

/// Puts the secret into all texts, but for the keys.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) => text.push(SECRET),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(members) => members.values_mut().for_each(mark),
        _ => {}
    }
}

/// Names and definitions by turns.
pub(crate) fn definitions(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let declared: Vec<(&str, Option<&str>)> =
        parts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().filter(|definition| !definition.is_empty()))).collect();
    let mut app = App {
        root: PathBuf::from("/app"),
        host: host_config(),
        settings: Settings::default(),
        local: LocalHost::default(),
        model: ProgrammingModel::V2 { entry_file: "function_app.py".to_owned() },
        functions: Vec::new(),
        broken: Vec::new(),
        selected: None,
        unusable: false,
        packages: None,
        notices: Vec::new(),
    };
    app.declare(declared.iter().copied()).iter().for_each(|notice| sentence(notice));
    assert_eq!(app.functions.len() + app.broken.len(), declared.len(), "a function got lost");
    let names: HashSet<String> = app.functions.iter().map(|function| function.name.to_ascii_lowercase()).collect();
    assert_eq!(names.len(), app.functions.len(), "two functions have one name");
    assert!(app.functions.is_sorted_by_key(|function| &function.name));
    app.functions.iter().for_each(check);
    app.broken.iter().for_each(|broken| sentence(&broken.error.to_string()));
}

/// What holds of each function that was read.
pub(super) fn check(function: &Function) {
    let name = &function.name;
    assert!(name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 128 && !name.eq_ignore_ascii_case("host"));
    let names: HashSet<&str> = function.bindings.iter().map(|binding| binding.name.as_str()).collect();
    assert_eq!(names.len(), function.bindings.iter().count(), "two bindings have one name");
    assert_eq!(function.bindings.iter().filter(|binding| binding.is_trigger()).count(), 1);
    assert!(names.iter().all(|name| function.bindings.get(name).is_some()));
    if let Some(retry) = &function.retry {
        let delays = [0, 1, 2, 31, 32, u32::MAX].map(|retries| retry.strategy.delay(retries));
        assert!(delays.is_sorted(), "{delays:?}");
    }
}

pub(crate) fn time_span(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match text.parse::<TimeSpan>() {
        Ok(span) => {
            assert_eq!(span.to_string().parse(), Ok(span), "{span}");
            assert_eq!(span.to_duration().is_some(), span.ticks() >= 0);
            let nanoseconds = span.to_duration().map_or(0, |duration| duration.as_nanos());
            assert_eq!(nanoseconds, u128::try_from(span.ticks()).unwrap_or(0) * 100);
        }
        Err(error) => sentence(&error.to_string()),
    }
}

/// An entry, a host's name and an address.
pub(crate) fn destination(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let (entry, name) = (parts[0], parts.get(1).copied().unwrap_or("internal"));
    let destination = match entry.parse::<Destination>() {
        Ok(destination) => destination,
        Err(error) => return sentence(&error.to_string()),
    };
    let shown = destination.to_string();
    assert_eq!(shown.parse(), Ok(destination.clone()), "{shown}");
    assert!(!destination.has_port(0) || shown.ends_with(":*"));
    let host = shown.rsplit_once(':').unwrap().0;
    if destination.names(name) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let below = host.strip_prefix('*').unwrap_or(host);
        assert!(destination.is_any() || name == host || (below.starts_with('.') && name.ends_with(below)), "{shown} names {name}");
    }
    let addresses = ["127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "8.8.8.8"].map(|address| address.parse::<IpAddr>().unwrap());
    for address in addresses.into_iter().chain(parts.get(2).and_then(|address| address.parse().ok())) {
        // A name stands for no address, but for that of this machine.
        let is_address = host.starts_with(|first: char| first.is_ascii_digit() || first == '[');
        assert!(!destination.holds(address) || is_address || (host == "localhost" && address.is_loopback()), "{shown} holds {address}");
    }
}
