//! Fetches a blob.

use super::{blob_name, content};
use crate::app::DataType;
use crate::bindings::account::Account;
use crate::bindings::event::Value;
use crate::bindings::{BindingError, Input, Scope, Template};
use crate::sandbox::api::Datum;
use async_trait::async_trait;

/// The input.
#[derive(Debug)]
pub(super) struct BlobInput {
    pub(super) name: String,
    pub(super) path: Template,
    pub(super) account: Account,
    pub(super) data_type: DataType,
}

#[async_trait]
impl Input for BlobInput {
    /// Python gets `None` where there is no such blob.
    async fn fetch(&self, scope: &Scope<'_>) -> Result<Value, BindingError> {
        let path = self.path.fill_in(scope)?;
        let name = blob_name(&path).map_err(|problem| BindingError::Value { binding: self.name.clone(), problem })?;
        let failed = |error| BindingError::Account { binding: self.name.clone(), error };
        let storage = self.account.storage().await.map_err(failed)?;
        let opened = content::open(&storage.blobs, &name, self.data_type).await.map_err(|error| failed(self.account.error(error)))?;
        Ok(opened.map_or(Value::Datum(Datum::None), |(value, _)| value))
    }
}
