//! What tables must do.

use super::fresh;
use crate::storage::{Entity, Storage, StorageError};
use serde_json::{Value, json};

/// A table with entities.
async fn filled(storage: &Storage, entities: &[Value]) -> String {
    let table = fresh("contract").replace('-', "");
    assert!(storage.tables.create(&table).await.unwrap());
    for content in entities {
        storage.tables.insert(&table, &entity(content)).await.unwrap();
    }
    table
}

fn entity(content: &Value) -> Entity {
    content.as_object().unwrap().clone()
}

async fn rows(storage: &Storage, table: &str, partition_key: Option<&str>, filter: Option<&str>, take: Option<usize>) -> Vec<String> {
    let found = storage.tables.query(table, partition_key, filter, take).await.unwrap();
    found.iter().map(|entity| format!("{}/{}", entity["PartitionKey"].as_str().unwrap(), entity["RowKey"].as_str().unwrap())).collect()
}

pub(in crate::storage) async fn tables_come_and_go(storage: &Storage) {
    let table = filled(storage, &[json!({"PartitionKey": "p", "RowKey": "r"})]).await;
    assert!(!storage.tables.create(&table).await.unwrap(), "it is there already");
    assert!(!storage.tables.create(&table.to_uppercase()).await.unwrap(), "whatever the case");
    let tables = storage.tables.tables().await.unwrap();
    assert!(tables.contains(&table), "{tables:?}");
    assert_eq!(rows(storage, &table.to_uppercase(), None, None, None).await, ["p/r"]);
    assert!(storage.tables.delete_table(&table).await.unwrap());
    assert!(!storage.tables.delete_table(&table).await.unwrap());
    assert!(!storage.tables.tables().await.unwrap().contains(&table));
    assert!(storage.tables.create(&table).await.unwrap());
    assert_eq!(rows(storage, &table, None, None, None).await, [""; 0], "what it held has gone with it");
}

pub(in crate::storage) async fn entities_come_and_go(storage: &Storage) {
    let table = filled(storage, &[]).await;
    assert_eq!(storage.tables.get(&table, "p", "r").await.unwrap(), None);
    storage.tables.insert(&table, &entity(&json!({"PartitionKey": "p", "RowKey": "r", "Text": "a", "Other": 1}))).await.unwrap();
    let first = storage.tables.get(&table, "p", "r").await.unwrap().unwrap();
    assert_eq!(
        (&first["Text"], &first["Other"], &first["PartitionKey"], &first["RowKey"]),
        (&json!("a"), &json!(1), &json!("p"), &json!("r"))
    );
    storage.tables.upsert(&table, &entity(&json!({"PartitionKey": "p", "RowKey": "r", "Text": "b"}))).await.unwrap();
    let second = storage.tables.get(&table, "p", "r").await.unwrap().unwrap();
    assert!(second["Text"] == "b" && !second.contains_key("Other"), "it is replaced, not merged");
    assert!(storage.tables.delete(&table, "p", "r").await.unwrap());
    assert!(!storage.tables.delete(&table, "p", "r").await.unwrap());
    assert_eq!(storage.tables.get(&table, "p", "r").await.unwrap(), None);
    storage.tables.upsert(&table, &entity(&json!({"PartitionKey": "", "RowKey": "it's"}))).await.unwrap();
    assert!(storage.tables.get(&table, "", "it's").await.unwrap().is_some());
}

pub(in crate::storage) async fn types_are_kept(storage: &Storage) {
    let table = filled(storage, &[]).await;
    let content = json!({
        "PartitionKey": "p", "RowKey": "r", "Text": "Grüße", "Number": 7, "Fraction": 1.5, "Yes": true, "No": false, "Nothing": null,
        "When": "2020-05-06T07:08:09Z", "When@odata.type": "Edm.DateTime", "Big": "9007199254740993", "Big@odata.type": "Edm.Int64",
        "Timestamp": "1999-01-01T00:00:00Z",
    });
    storage.tables.insert(&table, &entity(&content)).await.unwrap();
    let found = storage.tables.get(&table, "p", "r").await.unwrap().unwrap();
    for name in ["Text", "Number", "Fraction", "Yes", "No", "When@odata.type", "Big", "Big@odata.type"] {
        assert_eq!(found.get(name), content.get(name), "{name}");
    }
    assert!(found.get("Nothing").is_none(), "properties without a value are left out");
    let time = found["Timestamp"].as_str().unwrap();
    assert!(time.len() == "2020-01-01T00:00:00.0000000Z".len() && time.ends_with('Z') && time > "2020", "{time}");
}

pub(in crate::storage) async fn keys_are_unique(storage: &Storage) {
    let table = filled(storage, &[json!({"PartitionKey": "p", "RowKey": "r", "N": 1})]).await;
    let again = storage.tables.insert(&table, &entity(&json!({"PartitionKey": "p", "RowKey": "r", "N": 2}))).await;
    assert!(matches!(again, Err(StorageError::Conflict(_))), "{again:?}");
    assert_eq!(storage.tables.get(&table, "p", "r").await.unwrap().unwrap()["N"], 1);
    for (partition, row) in [("P", "r"), ("p", "R"), ("r", "p")] {
        storage.tables.insert(&table, &entity(&json!({"PartitionKey": partition, "RowKey": row}))).await.unwrap();
    }
}

pub(in crate::storage) async fn entities_are_in_order(storage: &Storage) {
    let places = [("b", "1"), ("a", "2"), ("a", "10"), ("b", "0"), ("a", "1"), ("A", "1")];
    let entities = places.map(|(partition, row)| json!({"PartitionKey": partition, "RowKey": row}));
    let table = filled(storage, &entities).await;
    assert_eq!(rows(storage, &table, None, None, None).await, ["A/1", "a/1", "a/10", "a/2", "b/0", "b/1"]);
    assert_eq!(rows(storage, &table, Some("a"), None, None).await, ["a/1", "a/10", "a/2"]);
    assert_eq!(rows(storage, &table, Some("a"), None, Some(2)).await, ["a/1", "a/10"]);
    assert_eq!(rows(storage, &table, None, None, Some(5)).await.len(), 5);
    assert_eq!(rows(storage, &table, Some("x"), None, None).await, [""; 0]);
}

pub(in crate::storage) async fn filters_choose(storage: &Storage) {
    let entities = [
        json!({"PartitionKey": "p", "RowKey": "1", "Name": "Ada", "Age": 36, "Active": true}),
        json!({"PartitionKey": "p", "RowKey": "2", "Name": "O'Neill", "Age": 12, "Active": false}),
        json!({"PartitionKey": "p", "RowKey": "3", "Height": 1.75, "Big": "5000000000", "Big@odata.type": "Edm.Int64"}),
        json!({"PartitionKey": "q", "RowKey": "4", "When": "2020-05-06T07:08:09Z", "When@odata.type": "Edm.DateTime"}),
        json!({"PartitionKey": "q", "RowKey": "5", "Id": "0f8fad5b-d9cb-469f-a165-70867728950e", "Id@odata.type": "Edm.Guid"}),
    ];
    let table = filled(storage, &entities).await;
    for (filter, wanted) in [
        ("Name eq 'Ada'", vec!["p/1"]),
        ("Name eq 'O''Neill'", vec!["p/2"]),
        ("Name ne 'Ada'", vec!["p/2"]),
        ("Age gt 12 and Age le 36", vec!["p/1"]),
        ("Age ge 12 and Age lt 37", vec!["p/1", "p/2"]),
        ("Age eq 12 or Name eq 'Ada'", vec!["p/1", "p/2"]),
        ("(Age eq 12 or Age eq 36) and Active eq true", vec!["p/1"]),
        ("Height gt 1.5", vec!["p/3"]),
        ("Big eq 5000000000L", vec!["p/3"]),
        ("When ge datetime'2020-01-01T00:00:00Z' and When lt datetime'2021-01-01T00:00:00Z'", vec!["q/4"]),
        ("Id eq guid'0f8fad5b-d9cb-469f-a165-70867728950e'", vec!["q/5"]),
        ("PartitionKey eq 'q' and RowKey ge '5'", vec!["q/5"]),
        ("Name eq 'nobody'", vec![]),
    ] {
        assert_eq!(rows(storage, &table, None, Some(filter), None).await, wanted, "{filter}");
    }
    assert_eq!(rows(storage, &table, Some("p"), Some("RowKey ge '2'"), None).await, ["p/2", "p/3"]);
    assert_eq!(rows(storage, &table, None, Some("RowKey ge '2'"), Some(2)).await, ["p/2", "p/3"]);
}

pub(in crate::storage) async fn wrong_filters_are_refused(storage: &Storage) {
    let table = filled(storage, &[]).await;
    assert!(storage.tables.query(&table, None, Some("Name eq 'Ada"), None).await.is_err());
}

pub(in crate::storage) async fn entities_have_limits(storage: &Storage) {
    let table = filled(storage, &[]).await;
    for key in ["a/b", "a\\b", "a#b", "a?b", "a\tb", &"x".repeat(513)] {
        for content in [json!({"PartitionKey": key, "RowKey": "r"}), json!({"PartitionKey": "p", "RowKey": key})] {
            let refused = storage.tables.upsert(&table, &entity(&content)).await;
            assert!(matches!(refused, Err(StorageError::Name { .. })), "{key:?}: {refused:?}");
        }
    }
    for content in [json!({"PartitionKey": "p"}), json!({"RowKey": "r"}), json!({"PartitionKey": "p", "RowKey": "r", "List": [1]})] {
        assert!(storage.tables.upsert(&table, &entity(&content)).await.is_err(), "{content}");
    }
}

pub(in crate::storage) async fn large_entities_are_refused(storage: &Storage) {
    let table = filled(storage, &[]).await;
    let with = |properties: usize, text: &str| {
        let mut content = entity(&json!({"PartitionKey": "p", "RowKey": "r"}));
        content.extend((0..properties).map(|index| (format!("P{index}"), json!(text))));
        content
    };
    storage.tables.upsert(&table, &with(252, "x")).await.unwrap();
    assert!(storage.tables.upsert(&table, &with(253, "x")).await.is_err());
    assert!(storage.tables.upsert(&table, &with(1, &"x".repeat(40_000))).await.is_err());
    assert!(storage.tables.upsert(&table, &with(40, &"x".repeat(30_000))).await.is_err());
    assert_eq!(storage.tables.get(&table, "p", "r").await.unwrap().unwrap().len(), 255);
}

pub(in crate::storage) async fn tables_need_to_be_there(storage: &Storage) {
    let table = fresh("contract").replace('-', "");
    let content = entity(&json!({"PartitionKey": "p", "RowKey": "r"}));
    for failed in [storage.tables.insert(&table, &content).await.err(), storage.tables.upsert(&table, &content).await.err()] {
        assert!(matches!(&failed, Some(StorageError::Missing { kind: "table", name }) if *name == table), "{failed:?}");
    }
    assert_eq!(storage.tables.get(&table, "p", "r").await.unwrap(), None);
    assert_eq!(rows(storage, &table, None, None, None).await, [""; 0]);
    assert!(!storage.tables.delete(&table, "p", "r").await.unwrap());
}

pub(in crate::storage) async fn table_names_are_checked(storage: &Storage) {
    for name in ["", "ab", "1abc", "a-bc", "a_bc", "a/b"] {
        assert!(matches!(storage.tables.create(name).await, Err(StorageError::Name { kind: "table", .. })), "{name}");
        assert!(matches!(storage.tables.get(name, "p", "r").await, Err(StorageError::Name { kind: "table", .. })), "{name}");
    }
}
