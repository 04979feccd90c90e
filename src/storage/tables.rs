//! Tables of entities.

use super::StorageError;
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::fmt;

/// An entity: its properties as the table service writes them in JSON without metadata (`application/json;odata=nometadata`), `PartitionKey`, `RowKey` and
/// `Timestamp` among them. Types that JSON lacks carry an annotation beside them, as there: `"When@odata.type": "Edm.DateTime"`.
pub type Entity = Map<String, Value>;

/// The tables of an account.
#[async_trait]
pub trait Tables: fmt::Debug + Send + Sync {
    /// Makes a table where it is missing. Answers whether it was.
    async fn create(&self, table: &str) -> Result<bool, StorageError>;

    /// Deletes a table with its entities. Answers whether it was there.
    async fn delete_table(&self, table: &str) -> Result<bool, StorageError>;

    /// All tables, by name.
    async fn tables(&self) -> Result<Vec<String>, StorageError>;

    /// One entity; nothing where it or its table is missing.
    async fn get(&self, table: &str, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StorageError>;

    /// The entities of a partition (nothing: of all), by partition key and row key, that an OData filter of the table service lets through, at most so
    /// many. Follows continuation tokens. Empty where there is no such table.
    async fn query(
        &self,
        table: &str,
        partition_key: Option<&str>,
        filter: Option<&str>,
        take: Option<usize>,
    ) -> Result<Vec<Entity>, StorageError>;

    /// Adds an entity, which must have both keys. When this returns, it survives a crash. [`StorageError::Conflict`] where there is one with the same
    /// keys, [`StorageError::Missing`] where there is no such table.
    async fn insert(&self, table: &str, entity: &Entity) -> Result<(), StorageError>;

    /// Adds an entity or puts it in the place of the one with the same keys. [`StorageError::Missing`] where there is no such table.
    async fn upsert(&self, table: &str, entity: &Entity) -> Result<(), StorageError>;

    /// Deletes an entity. Answers whether it was there.
    async fn delete(&self, table: &str, partition_key: &str, row_key: &str) -> Result<bool, StorageError>;
}
