//! What the contract leaves open: keys in addresses, pages, what the service adds.

use super::{fresh, shared};
use crate::storage::{Entity, Storage};
use serde_json::json;

async fn table(storage: &Storage) -> String {
    let table = fresh("table").replace('-', "");
    storage.tables.create(&table).await.unwrap();
    table
}

fn entity(partition_key: &str, row_key: &str) -> Entity {
    json!({"PartitionKey": partition_key, "RowKey": row_key, "Value": row_key}).as_object().unwrap().clone()
}

#[tokio::test]
async fn any_key_finds_its_entity() {
    let storage = shared();
    let table = table(&storage).await;
    for key in ["it's", "''", "a b", "50%", "a+b&c=d", "Köln 日本 😀", "(a,b)", "a;b:c@d!$*", "<\"quoted\">", "%27"] {
        storage.tables.upsert(&table, &entity(key, key)).await.unwrap();
        let found = storage.tables.get(&table, key, key).await.unwrap().unwrap_or_else(|| panic!("{key}"));
        assert_eq!(found["Value"], key);
        assert!(found.keys().all(|name| ["PartitionKey", "RowKey", "Value", "Timestamp"].contains(&name.as_str())), "{found:?}");
        let of_partition = storage.tables.query(&table, Some(key), Some("Value ne 'x' or Value eq 'x'"), None).await.unwrap();
        assert_eq!(of_partition.len(), 1, "{key}");
        // What was read can be written again.
        storage.tables.upsert(&table, &found).await.unwrap();
        assert!(storage.tables.delete(&table, key, key).await.unwrap());
    }
}

#[tokio::test]
async fn long_answers_come_in_pages() {
    let storage = shared();
    let table = table(&storage).await;
    for index in 0..11 {
        storage.tables.insert(&table, &entity(if index < 5 { "a" } else { "it's" }, &format!("{index:02}"))).await.unwrap();
    }
    assert_eq!(storage.tables.query(&table, None, None, None).await.unwrap().len(), 11);
    assert_eq!(storage.tables.query(&table, None, None, Some(7)).await.unwrap().len(), 7);
    assert_eq!(storage.tables.query(&table, Some("it's"), None, None).await.unwrap().len(), 6);
    assert_eq!(storage.tables.query(&table, None, Some("Value ge '09'"), None).await.unwrap().len(), 2);
    assert_eq!(storage.tables.query(&table, None, None, Some(0)).await.unwrap().len(), 0);
    let tables = futures_util::future::join_all((0..4).map(|_| super::tables::table(&storage))).await;
    let all = storage.tables.tables().await.unwrap();
    assert!(tables.iter().all(|table| all.contains(table)) && all.is_sorted());
}
