//! Entities as functions have them: plain JSON.

use crate::storage::Entity;
use serde_json::{Map, Value};

/// What follows a property's name in the name of its type.
const TYPE: &str = "@odata.type";
/// Whole numbers beyond 32 bits. The service has them as texts, and Azure's host writes and reads all whole numbers so.
const LONG: &str = "Edm.Int64";
const KEYS: [&str; 2] = ["PartitionKey", "RowKey"];

/// An entity as Azure's host hands it to a function: its properties and keys; not what the service adds (`Timestamp`, `odata.etag`), nor the types beside
/// values that JSON has no type for.
pub(super) fn for_function(mut entity: Entity) -> Value {
    let typed = entity.iter().filter(|(_, kind)| *kind == LONG).filter_map(|(name, _)| name.strip_suffix(TYPE));
    for name in typed.map(str::to_owned).collect::<Vec<_>>() {
        if let Some(value) = entity.get_mut(&name)
            && let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok())
        {
            *value = number.into();
        }
    }
    let plain = |name: &String| name != "Timestamp" && !name.starts_with("odata.") && !name.contains("@odata.");
    Value::Object(entity.into_iter().filter(|(name, _)| plain(name)).collect())
}

/// What is wrong with a function's value as an entity.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EntityError {
    #[error(
        "the table output takes the text of a JSON object, or of an array of them, but this text is no JSON (line {line}, column {column}): json.dumps makes it of a dict"
    )]
    NotJson { line: usize, column: usize },
    #[error("the table output takes a JSON object, or an array of them, not {0}")]
    NotObject(String),
    #[error("the entity has no {0}: set it in the entity or in the binding")]
    NoKey(&'static str),
    #[error("the entity's {0} must be a text")]
    Key(&'static str),
    #[error("the entity's property {0} is {1}, which a table can't hold: store its JSON text")]
    Property(String, &'static str),
}

/// The entities of a JSON text, with these keys where they have none.
pub(super) fn from_function(text: &str, partition_key: Option<&str>, row_key: Option<&str>) -> Result<Vec<Entity>, EntityError> {
    let value: Value = serde_json::from_str(text).map_err(|error| EntityError::NotJson { line: error.line(), column: error.column() })?;
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    values.into_iter().map(|value| entity(value, partition_key, row_key)).collect()
}

fn entity(value: Value, partition_key: Option<&str>, row_key: Option<&str>) -> Result<Entity, EntityError> {
    let Value::Object(fields) = value else { return Err(EntityError::NotObject(kind(&value).to_owned())) };
    let mut entity = Map::new();
    for (name, value) in fields {
        match value {
            // A property without a value is none.
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => return Err(EntityError::Property(name, kind(&value))),
            value => match value.as_i64() {
                Some(number) if i32::try_from(number).is_err() && !KEYS.iter().any(|key| key.eq_ignore_ascii_case(&name)) => {
                    entity.insert(format!("{name}{TYPE}"), LONG.into());
                    entity.insert(name, number.to_string().into());
                }
                _ => _ = entity.insert(name, value),
            },
        }
    }
    for (name, default) in KEYS.into_iter().zip([partition_key, row_key]) {
        let written = entity.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let value = written.and_then(|written| entity.remove(&written));
        let key = match (value, default) {
            (Some(Value::String(key)), _) => key,
            (Some(Value::Number(key)), _) => key.to_string(),
            (Some(_), _) => return Err(EntityError::Key(name)),
            (None, Some(default)) => default.to_owned(),
            (None, None) => return Err(EntityError::NoKey(name)),
        };
        entity.insert(name.to_owned(), Value::String(key));
    }
    Ok(entity)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entities(text: &str) -> Result<Value, EntityError> {
        from_function(text, Some("p"), None).map(|entities| Value::Array(entities.into_iter().map(Value::Object).collect()))
    }

    #[test]
    fn keys_come_from_the_entity_or_the_binding() {
        assert_eq!(entities(r#"{"rowkey": 1, "A": true, "B": null}"#), Ok(json!([{"A": true, "PartitionKey": "p", "RowKey": "1"}])));
        let two = r#"[{"PartitionKey": "q", "RowKey": "1"}, {"RowKey": "2"}]"#;
        assert_eq!(entities(two), Ok(json!([{"PartitionKey": "q", "RowKey": "1"}, {"PartitionKey": "p", "RowKey": "2"}])));
        assert_eq!(entities("{}"), Err(EntityError::NoKey("RowKey")));
    }

    #[test]
    fn doubles_are_kept_to_their_last_digit() {
        for double in ["8.888888888888889e70", "1.0715086071862673e301", "0.1", "5e-324", "1.7976931348623157e308"] {
            let entities = from_function(&format!(r#"{{"PartitionKey": "p", "RowKey": "r", "N": {double}}}"#), None, None).unwrap();
            assert_eq!(entities[0]["N"].as_f64(), Some(double.parse().unwrap()));
        }
    }

    #[test]
    fn what_is_no_entity_is_said() {
        assert_eq!(entities("{\n 'RowKey': '1'}"), Err(EntityError::NotJson { line: 2, column: 2 }));
        assert_eq!(entities("[1]"), Err(EntityError::NotObject("a number".into())));
        assert_eq!(entities(r#"{"RowKey": "1", "a": []}"#), Err(EntityError::Property("a".into(), "a list")));
        assert_eq!(entities(r#"{"RowKey": true}"#), Err(EntityError::Key("RowKey")));
    }

    #[test]
    fn functions_see_no_marks_of_the_service() {
        let stored =
            json!({"PartitionKey": "p", "RowKey": "r", "Timestamp": "x", "odata.etag": "e", "N": "1", "N@odata.type": "Edm.Int64"});
        assert_eq!(for_function(stored.as_object().unwrap().clone()), json!({"PartitionKey": "p", "RowKey": "r", "N": 1}));
    }

    #[test]
    fn whole_numbers_beyond_32_bits_have_their_type() {
        let made = entities(r#"{"RowKey": 5000000000, "Small": 2147483647, "Large": -2147483649, "Text": "5000000000"}"#);
        let stored = json!({"PartitionKey": "p", "RowKey": "5000000000", "Small": 2147483647, "Large": "-2147483649", "Large@odata.type": "Edm.Int64",
            "Text": "5000000000"});
        assert_eq!(made, Ok(json!([stored])));
        let read = for_function(stored.as_object().unwrap().clone());
        assert_eq!((&read["Large"], &read["Text"]), (&json!(-2147483649_i64), &json!("5000000000")));
    }
}
