//! App settings that stand over host.json: `AzureFunctionsJobHost__extensions__http__routePrefix=v1`.
//!
//! After the Functions host, which reads host.json and the environment as one .NET configuration: names ignore case, `__` and `:` both
//! separate, and a number among an array's names is an index. Which settings there are is not decided here.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::app::fields::Override;
use crate::app::json::Step;

const PREFIX: &str = "AzureFunctionsJobHost";
/// host.json has no more levels than half of this.
const MAX_SEGMENTS: usize = 16;

/// What merging gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    /// host.json with the settings over it.
    pub(super) value: Value,
    /// Which values came from settings.
    pub(super) overrides: Vec<Override>,
    /// Settings with the prefix that name no place in host.json.
    pub(super) unusable: Vec<String>,
}

/// Puts settings over `value`. An element beyond an array's end is added at its end.
pub(super) fn merge<'a>(mut value: Value, settings: impl Iterator<Item = (&'a str, &'a str)>) -> Merged {
    let mut found = Vec::new();
    let mut unusable = Vec::new();
    for (name, text) in settings {
        match segments(name) {
            Some(segments) if segments.len() > MAX_SEGMENTS || segments.iter().any(String::is_empty) => unusable.push(name.to_owned()),
            Some(segments) => found.push((segments, name, text)),
            None => {}
        }
    }
    // `functions__10` goes after `functions__9`; a place before what is inside it.
    found.sort_by(|(a, ..), (b, ..)| compare(a, b));
    let overrides = found.into_iter().map(|(segments, setting, text)| {
        let path = set(&mut value, &segments, scalar(text));
        Override { setting: setting.to_owned(), path }
    });
    let overrides = overrides.collect();
    Merged { value, overrides, unusable }
}

/// The path that a setting's name stands for; `None` if it isn't an override.
fn segments(name: &str) -> Option<Vec<String>> {
    let rest = name.get(PREFIX.len()..).filter(|_| name.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX)))?;
    let rest = rest.strip_prefix("__").or_else(|| rest.strip_prefix(':'))?;
    Some(rest.replace("__", ":").split(':').map(str::to_owned).collect())
}

fn compare(a: &[String], b: &[String]) -> Ordering {
    let one = |(a, b): (&String, &String)| match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()),
    };
    a.iter().zip(b).map(one).find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Sets the value at a path, making what is missing on the way; tells the path in the spelling that it has there.
fn set(root: &mut Value, segments: &[String], leaf: Value) -> Vec<Step> {
    let mut path = Vec::new();
    let mut place = root;
    for segment in segments {
        let index = segment.parse::<usize>().ok();
        let fits = place.is_object() || (place.is_array() && index.is_some());
        if !fits {
            *place = if index.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        }
        place = match (place, index) {
            (Value::Array(items), Some(index)) => {
                let index = index.min(items.len());
                if index == items.len() {
                    items.push(Value::Null);
                }
                path.push(Step::Index(index));
                &mut items[index]
            }
            (Value::Object(members), _) => {
                let key = members.keys().find(|key| key.eq_ignore_ascii_case(segment)).unwrap_or(segment).clone();
                path.push(Step::Key(key.clone()));
                members.entry(key).or_insert(Value::Null)
            }
            (other, _) => other,
        };
    }
    *place = leaf;
    path
}

/// A setting's text as JSON: a boolean, a number whose text says the same, else a text.
fn scalar(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Value::Bool(text.eq_ignore_ascii_case("true"));
    }
    match text.parse::<Number>() {
        Ok(number) if number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}
