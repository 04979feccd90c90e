//! What an entity may be, and what of it is stored.

use crate::storage::{Entity, StorageError, names};
use jiff::Timestamp;
use serde_json::Value;

/// Beside both keys and the time.
const PROPERTIES: usize = 252;
const LONGEST_NAME: usize = 255;
/// In UTF-16, as Azure counts texts.
const LONGEST_TEXT: usize = 32 * 1024;
const LARGEST: usize = 1024 * 1024;
/// What each entity has.
const OWN: [&str; 3] = ["PartitionKey", "RowKey", "Timestamp"];
/// What follows a property's name in the name of its type.
pub(super) const TYPE: &str = "@odata.type";

/// An entity as its row has it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) partition_key: String,
    pub(super) row_key: String,
    pub(super) content: String,
}

// === impl Stored ===

impl Stored {
    /// Checks an entity, and gives it the time of its being written. Properties without a value are not stored, and neither is the service's own metadata.
    pub(super) fn new(entity: &Entity) -> Result<Stored, StorageError> {
        let partition_key = key(entity, "PartitionKey", "partition key")?;
        let row_key = key(entity, "RowKey", "row key")?;
        let mut stored = Entity::new();
        stored.insert("PartitionKey".to_owned(), partition_key.into());
        stored.insert("RowKey".to_owned(), row_key.into());
        stored.insert("Timestamp".to_owned(), Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string().into());
        let mut properties = 0;
        for (name, value) in entity {
            let property = name.strip_suffix(TYPE).unwrap_or(name);
            let is_set = entity.get(property).is_some_and(|value| !value.is_null());
            if OWN.contains(&property) || name.starts_with("odata.") || !is_set {
                continue;
            }
            if property == name {
                check(name, value)?;
                properties += 1;
            }
            stored.insert(name.clone(), value.clone());
        }
        if properties > PROPERTIES {
            return Err(StorageError::Other(format!("an entity has {properties} properties, more than the {PROPERTIES} that are allowed")));
        }
        let content = Value::Object(stored).to_string();
        if content.len() > LARGEST {
            return Err(StorageError::TooLarge { what: "an entity", bytes: content.len() as u64, limit: LARGEST as u64 });
        }
        Ok(Stored { partition_key: partition_key.to_owned(), row_key: row_key.to_owned(), content })
    }
}

fn key<'e>(entity: &'e Entity, name: &str, kind: &'static str) -> Result<&'e str, StorageError> {
    let text = entity.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| StorageError::Other(format!("an entity has no {name}, or one that is no text")))?;
    names::key(kind, text).map(|()| text)
}

fn check(name: &str, value: &Value) -> Result<(), StorageError> {
    let letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    if name.chars().count() > LONGEST_NAME || name.starts_with(|first: char| first.is_numeric()) || !name.chars().all(letter) {
        let rule = "it takes at most 255 letters, digits and underscores, no digit first";
        return Err(StorageError::Name { kind: "property", name: name.to_owned(), rule });
    }
    match value {
        Value::Array(_) | Value::Object(_) => {
            Err(StorageError::Other(format!("the property {name} holds a list or an object, and tables take texts, numbers and booleans")))
        }
        Value::String(text) if text.encode_utf16().count() > LONGEST_TEXT => Err(StorageError::TooLarge {
            what: "a text of an entity",
            bytes: 2 * text.encode_utf16().count() as u64,
            limit: 2 * LONGEST_TEXT as u64,
        }),
        _ => Ok(()),
    }
}
