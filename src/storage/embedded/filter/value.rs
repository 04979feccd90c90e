//! What is compared: literals of a filter, and properties of an entity.

use crate::storage::Entity;
use crate::storage::embedded::entity::TYPE;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::fmt;
use uuid::Uuid;

/// A value with its type.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::storage::embedded) enum Value {
    Text(String),
    /// `Edm.Int32` or `Edm.Int64`.
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Time(Timestamp),
    Guid(Uuid),
    Bytes(Vec<u8>),
}

// === impl Value ===

impl Value {
    /// What an entity has there; nothing where that is missing or isn't what its type says.
    pub(super) fn of_property(entity: &Entity, name: &str) -> Option<Value> {
        let kind = entity.get(&format!("{name}{TYPE}")).and_then(Json::as_str);
        match (entity.get(name)?, kind) {
            (Json::Bool(value), _) => Some(Value::Boolean(*value)),
            (Json::Number(number), Some("Edm.Double")) => number.as_f64().map(Value::Double),
            (Json::Number(number), _) => number.as_i64().map(Value::Integer).or_else(|| number.as_f64().map(Value::Double)),
            (Json::String(text), Some("Edm.Int64" | "Edm.Int32")) => text.parse().ok().map(Value::Integer),
            // NaN and INF are such texts.
            (Json::String(text), Some("Edm.Double")) => text.parse().ok().map(Value::Double),
            (Json::String(text), Some("Edm.DateTime")) => time(text).map(Value::Time),
            (Json::String(text), Some("Edm.Guid")) => Uuid::parse_str(text).ok().map(Value::Guid),
            (Json::String(text), Some("Edm.Binary")) => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
            (Json::String(text), None) if name == "Timestamp" => time(text).map(Value::Time),
            (Json::String(text), _) => Some(Value::Text(text.clone())),
            (Json::Null | Json::Array(_) | Json::Object(_), _) => None,
        }
    }

    /// A literal such as `datetime'2020-01-01T00:00:00Z'`, of the word before the quotes and the text in them.
    pub(super) fn of_literal(word: &str, text: &str) -> Option<Value> {
        match word {
            "datetime" => time(text).map(Value::Time),
            "guid" => Uuid::parse_str(text).ok().map(Value::Guid),
            "X" | "binary" => hexadecimal(text).map(Value::Bytes),
            _ => None,
        }
    }

    /// A literal such as `10`, `10L` or `1.5e3`.
    pub(super) fn of_number(text: &str) -> Option<Value> {
        if let Some(long) = text.strip_suffix('L') {
            return long.parse().ok().map(Value::Integer);
        }
        let double = || text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double);
        text.parse().ok().map(Value::Integer).or_else(double)
    }

    /// Nothing where the types have nothing in common.
    pub(super) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
            (Value::Integer(left), Value::Double(right)) => (*left as f64).partial_cmp(right),
            (Value::Double(left), Value::Integer(right)) => left.partial_cmp(&(*right as f64)),
            (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
            (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
            (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
            (Value::Guid(left), Value::Guid(right)) => Some(left.cmp(right)),
            (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Value::Integer(number) if i32::try_from(*number).is_ok() => write!(f, "{number}"),
            Value::Integer(number) => write!(f, "{number}L"),
            // With a point or an exponent even where there is no fraction.
            Value::Double(number) => write!(f, "{number:?}"),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Time(time) => write!(f, "datetime'{time}'"),
            Value::Guid(guid) => write!(f, "guid'{guid}'"),
            Value::Bytes(bytes) => {
                f.write_str("X'")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
        }
    }
}

/// A time in ISO 8601, of UTC where it has no offset.
fn time(text: &str) -> Option<Timestamp> {
    let local = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(local)
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().filter_map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect())
}
