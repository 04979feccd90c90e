//! Fetches entities, as the text of a JSON array.

use super::entity;
use crate::bindings::account::Account;
use crate::bindings::event::Value;
use crate::bindings::{BindingError, Input, Scope, Template};
use crate::sandbox::api::Datum;
use async_trait::async_trait;

/// The input.
#[derive(Debug)]
pub(super) struct TableInput {
    pub(super) name: String,
    pub(super) table: Template,
    pub(super) partition_key: Option<Template>,
    pub(super) row_key: Option<Template>,
    pub(super) filter: Option<Template>,
    pub(super) take: Option<usize>,
    pub(super) account: Account,
}

#[async_trait]
impl Input for TableInput {
    /// An array also for one entity; an empty one where there is no such entity or table.
    async fn fetch(&self, scope: &Scope<'_>) -> Result<Value, BindingError> {
        let fill_in = |template: &Option<Template>| template.as_ref().map(|template| template.fill_in(scope)).transpose();
        let (table, partition_key) = (self.table.fill_in(scope)?, fill_in(&self.partition_key)?);
        let (row_key, filter) = (fill_in(&self.row_key)?, fill_in(&self.filter)?);
        let failed = |error| BindingError::Account { binding: self.name.clone(), error };
        let tables = &self.account.storage().await.map_err(failed)?.tables;
        let found = match (&partition_key, &row_key) {
            (Some(partition_key), Some(row_key)) => {
                tables.get(&table, partition_key, row_key).await.map(|entity| entity.into_iter().collect())
            }
            (partition_key, _) => tables.query(&table, partition_key.as_deref(), filter.as_deref(), self.take).await,
        };
        let found = found.map_err(|error| failed(self.account.error(error)))?;
        let entities = serde_json::Value::Array(found.into_iter().map(entity::for_function).collect());
        Ok(Value::Datum(Datum::Json(entities.to_string())))
    }
}
