//! Tables and entities: JSON with the types that JSON lacks (`minimalmetadata`), without what describes the service.

use super::Account;
use super::answer::Answer;
use super::call::{Call, Repeat, encode};
use crate::storage::connection_string::Service;
use crate::storage::{Entity, StorageError, Tables, names};
use async_trait::async_trait;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// How many tables or entities the service gives at once.
pub(super) const PAGE: usize = 1000;

#[async_trait]
impl Tables for Account {
    async fn create(&self, table: &str) -> Result<bool, StorageError> {
        names::table(table)?;
        let call = with_body(call(Method::POST, "/Tables"), &json!({"TableName": table}));
        let answer = self.client.send(call).await?;
        if answer.status == StatusCode::CONFLICT && answer.code == "TableAlreadyExists" {
            return Ok(false);
        }
        answer.good(&[("table", table)]).map(|_| true)
    }

    async fn delete_table(&self, table: &str) -> Result<bool, StorageError> {
        names::table(table)?;
        let answer = self.client.send(call(Method::DELETE, &format!("/Tables('{}')", encode(table)))).await?;
        if answer.is_being_deleted() {
            return Ok(false);
        }
        Ok(answer.good_or_missing(&[("table", table)])?.is_some())
    }

    async fn tables(&self) -> Result<Vec<String>, StorageError> {
        let page = self.sizes.page.min(PAGE);
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let answer =
                self.client.send(call(Method::GET, "/Tables").query("$top", page).query_if("NextTableName", next)).await?.good(&[])?;
            names.extend(rows(&answer)?.iter().filter_map(|row| row.get("TableName")?.as_str().map(str::to_owned)));
            next = answer.header("x-ms-continuation-nexttablename").map(str::to_owned);
            if next.is_none() {
                names.sort();
                return Ok(names);
            }
        }
    }

    async fn get(&self, table: &str, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StorageError> {
        let answer = self.client.send(entity_call(Method::GET, table, partition_key, row_key)?).await?;
        let Some(answer) = answer.good_or_missing(&[("table", table)])? else { return Ok(None) };
        Ok(Some(tidy(parse(&answer)?)))
    }

    async fn query(
        &self,
        table: &str,
        partition_key: Option<&str>,
        filter: Option<&str>,
        take: Option<usize>,
    ) -> Result<Vec<Entity>, StorageError> {
        names::table(table)?;
        let filter = match (partition_key, filter.filter(|filter| !filter.trim().is_empty())) {
            (Some(key), Some(filter)) => Some(format!("PartitionKey eq '{}' and ({filter})", key.replace('\'', "''"))),
            (Some(key), None) => Some(format!("PartitionKey eq '{}'", key.replace('\'', "''"))),
            (None, filter) => filter.map(str::to_owned),
        };
        let most = take.unwrap_or(usize::MAX);
        let (mut found, mut next): (Vec<Entity>, _) = (Vec::new(), (None, None));
        while found.len() < most {
            let page = self.sizes.page.min(PAGE).min(most - found.len());
            let call = call(Method::GET, &format!("/{}()", encode(table)))
                .query_if("$filter", filter.as_deref())
                .query("$top", page)
                .query_if("NextPartitionKey", next.0)
                .query_if("NextRowKey", next.1);
            let Some(answer) = self.client.send(call).await?.good_or_missing(&[("table", table)])? else { break };
            found.extend(rows(&answer)?.into_iter().map(tidy));
            // A page may be empty and not the last. The last one's row key may be left out.
            let continued = |name| answer.header(name).filter(|key| !key.is_empty()).map(str::to_owned);
            next = (continued("x-ms-continuation-nextpartitionkey"), continued("x-ms-continuation-nextrowkey"));
            if next.0.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    async fn insert(&self, table: &str, entity: &Entity) -> Result<(), StorageError> {
        names::table(table)?;
        let [_, row_key] = keys(entity)?;
        let call = with_body(call(Method::POST, &format!("/{}", encode(table))), &stored(entity)).repeat(Repeat::IfUndone);
        let answer = self.client.send(call).await?;
        written(answer, table, row_key)
    }

    async fn upsert(&self, table: &str, entity: &Entity) -> Result<(), StorageError> {
        let [partition_key, row_key] = keys(entity)?;
        let call = entity_call(Method::PUT, table, partition_key, row_key)?;
        let answer = self.client.send(with_body(call, &stored(entity))).await?;
        written(answer, table, row_key)
    }

    async fn delete(&self, table: &str, partition_key: &str, row_key: &str) -> Result<bool, StorageError> {
        let call = entity_call(Method::DELETE, table, partition_key, row_key)?.header("if-match", "*");
        Ok(self.client.send(call).await?.good_or_missing(&[("table", table)])?.is_some())
    }
}

fn call(method: Method, path: &str) -> Call {
    Call::new(Service::Table, method, path)
        .header("dataserviceversion", "3.0")
        .header("maxdataserviceversion", "3.0;NetFx")
        .header("accept", "application/json;odata=minimalmetadata")
}

fn with_body(call: Call, body: &Value) -> Call {
    call.header("content-type", "application/json").header("prefer", "return-no-content").body(body.to_string())
}

/// In an address, quotes are doubled, and then each is encoded.
fn entity_call(method: Method, table: &str, partition_key: &str, row_key: &str) -> Result<Call, StorageError> {
    names::table(table)?;
    names::key("partition key", partition_key)?;
    names::key("row key", row_key)?;
    let quoted = |key: &str| encode(&key.replace('\'', "''"));
    let path = format!("/{}(PartitionKey='{}',RowKey='{}')", encode(table), quoted(partition_key), quoted(row_key));
    Ok(call(method, &path))
}

/// Both keys, checked.
fn keys(entity: &Entity) -> Result<[&str; 2], StorageError> {
    let key = |name: &str, kind| {
        let text = entity.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| StorageError::Other(format!("an entity has no {name}, or one that is no text")))?;
        names::key(kind, text).map(|()| text)
    };
    Ok([key("PartitionKey", "partition key")?, key("RowKey", "row key")?])
}

/// What of an entity is sent: not what the service adds itself, nor properties without a value, which it doesn't keep.
fn stored(entity: &Entity) -> Value {
    let is_set = |name: &str| entity.get(name).is_some_and(|value| !value.is_null());
    let kept = entity.iter().filter(|(name, _)| {
        let property = name.strip_suffix("@odata.type").unwrap_or(name);
        !name.starts_with("odata.") && property != "Timestamp" && is_set(property)
    });
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// An entity without what the service says about itself.
fn tidy(mut entity: Entity) -> Entity {
    entity.retain(|name, value| !name.starts_with("odata.") && name != "Timestamp@odata.type" && !value.is_null());
    entity
}

/// Everything that is missing when an entity is written is its table.
fn written(answer: Answer, table: &str, row_key: &str) -> Result<(), StorageError> {
    let about: &[(&'static str, &str)] =
        if answer.status == StatusCode::NOT_FOUND { &[("table", table)] } else { &[("table", table), ("entity", row_key)] };
    answer.good(about).map(|_| ())
}

pub(super) fn rows(answer: &Answer) -> Result<Vec<Entity>, StorageError> {
    let mut page: Entity = parse(answer)?;
    let rows = page.remove("value").map(serde_json::from_value).transpose().map_err(unreadable)?;
    Ok(rows.unwrap_or_default())
}

fn parse(answer: &Answer) -> Result<Entity, StorageError> {
    serde_json::from_slice(&answer.body).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> StorageError {
    StorageError::Other(format!("the table service's answer can't be read: {error}"))
}
