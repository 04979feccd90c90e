//! Adds entities.

use super::entity;
use crate::bindings::account::{Account, AccountError};
use crate::bindings::{BindingError, Output, Scope, Template};
use crate::sandbox::api::Datum;
use crate::storage::{Entity, StorageError};
use async_trait::async_trait;

/// The output.
#[derive(Debug)]
pub(super) struct TableOutput {
    pub(super) name: String,
    pub(super) table: Template,
    pub(super) partition_key: Option<Template>,
    pub(super) row_key: Option<Template>,
    pub(super) account: Account,
}

#[async_trait]
impl Output for TableOutput {
    /// One entity after the other. One that is there already is an error, as on Azure.
    async fn store(&self, value: Datum, scope: &Scope<'_>) -> Result<(), BindingError> {
        let problem = |problem: String| BindingError::Value { binding: self.name.clone(), problem };
        let text = match value {
            Datum::None => return Ok(()),
            Datum::Text(text) | Datum::Json(text) => text,
            Datum::Bytes(bytes) => {
                String::from_utf8(bytes).map_err(|_| problem("the table output takes JSON, but these bytes are no text".into()))?
            }
            _ => return Err(problem("the table output takes a JSON object as a text".into())),
        };
        let fill_in = |template: &Option<Template>| template.as_ref().map(|template| template.fill_in(scope)).transpose();
        let (partition_key, row_key) = (fill_in(&self.partition_key)?, fill_in(&self.row_key)?);
        let entities =
            entity::from_function(&text, partition_key.as_deref(), row_key.as_deref()).map_err(|error| problem(error.to_string()))?;
        let table = self.table.fill_in(scope)?;
        for entity in &entities {
            self.insert(&table, entity).await.map_err(|error| BindingError::Account { binding: self.name.clone(), error })?;
        }
        Ok(())
    }
}

// === impl TableOutput ===

impl TableOutput {
    /// Makes the table where it is missing.
    async fn insert(&self, table: &str, entity: &Entity) -> Result<(), AccountError> {
        let tables = &self.account.storage().await?.tables;
        let failed = |error| self.account.error(error);
        match tables.insert(table, entity).await {
            Err(StorageError::Missing { .. }) => {
                tables.create(table).await.map_err(failed)?;
                tables.insert(table, entity).await.map_err(failed)
            }
            result => result.map_err(failed),
        }
    }
}
