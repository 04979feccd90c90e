//! What must hold of filters.

#![allow(clippy::unwrap_used)] // A target fails by panicking.

use super::filter::Filter;
use crate::fuzzing::{parts, sentence, text};
use crate::storage::Entity;
use serde_json::json;

/// A filter, and an entity.
pub(crate) fn filter(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let filter = match Filter::parse(parts[0]) {
        Ok(filter) => filter,
        Err(error) => return sentence(&error.to_string()),
    };
    let entity = parts.get(1).and_then(|entity| serde_json::from_str::<Entity>(entity).ok()).unwrap_or_else(|| {
        let entity = json!({"PartitionKey": "p", "Age": 36, "Height": 1.7, "Active": true, "When": "2020-05-06T07:08:09Z", "When@odata.type": "Edm.DateTime",
            "Id": "0F8FAD5B-D9CB-469F-A165-70867728950E", "Id@odata.type": "Edm.Guid", "Raw": "CgsM", "Raw@odata.type": "Edm.Binary"});
        entity.as_object().unwrap().clone()
    });
    let lets_through = filter.lets_through(&entity);
    let shown = filter.to_string();
    match Filter::parse(&shown) {
        Ok(again) => {
            assert_eq!(again, filter, "{shown}");
            assert_eq!(again.lets_through(&entity), lets_through);
        }
        // What is shown has more parentheses than what was written.
        Err(error) => assert!(error.to_string().ends_with("parentheses go too deep"), "{shown}: {error}"),
    }
    if let Ok(opposite) = Filter::parse(&format!("not ({})", parts[0])) {
        assert_ne!(opposite.lets_through(&entity), lets_through);
    }
}
