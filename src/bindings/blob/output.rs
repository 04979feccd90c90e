//! Writes a blob.

use super::blob_name;
use crate::bindings::account::{Account, AccountError};
use crate::bindings::{BindingError, Output, Scope, Template};
use crate::sandbox::api::Datum;
use crate::storage::{BlobBody, BlobName, StorageError, WriteBlob};
use async_trait::async_trait;
use bytes::Bytes;

/// The output.
#[derive(Debug)]
pub(super) struct BlobOutput {
    pub(super) name: String,
    pub(super) path: Template,
    pub(super) account: Account,
}

#[async_trait]
impl Output for BlobOutput {
    async fn store(&self, value: Datum, scope: &Scope<'_>) -> Result<(), BindingError> {
        let problem = |problem: String| BindingError::Value { binding: self.name.clone(), problem };
        let content = match content(value) {
            Ok(Some(content)) => content,
            Ok(None) => return Ok(()),
            Err(kind) => return Err(problem(format!("a {kind} can't be a blob"))),
        };
        let name = blob_name(&self.path.fill_in(scope)?).map_err(problem)?;
        self.write(&name, content).await.map_err(|error| BindingError::Account { binding: self.name.clone(), error })
    }
}

// === impl BlobOutput ===

impl BlobOutput {
    /// Makes the container where it is missing.
    async fn write(&self, name: &BlobName, content: Bytes) -> Result<(), AccountError> {
        let blobs = &self.account.storage().await?.blobs;
        let failed = |error| self.account.error(error);
        let write = || blobs.write(name, BlobBody::Whole(content.clone()), WriteBlob::default());
        let mut written = write().await;
        if let Err(StorageError::Missing { .. }) = written {
            blobs.create_container(&name.container).await.map_err(failed)?;
            written = write().await;
        }
        written.map_err(failed)?;
        self.account.tell_written(&name.container);
        Ok(())
    }
}

/// The bytes of an output's value, if it has one; or what it is that can't be a blob.
fn content(value: Datum) -> Result<Option<Bytes>, &'static str> {
    match value {
        Datum::None => Ok(None),
        Datum::Text(text) | Datum::Json(text) => Ok(Some(text.into())),
        Datum::Bytes(bytes) => Ok(Some(bytes.into())),
        Datum::Int(number) => Ok(Some(number.to_string().into())),
        Datum::Float(number) => Ok(Some(number.to_string().into())),
        Datum::HttpRequest(_) => Err("request"),
        Datum::HttpResponse(_) => Err("response"),
        Datum::Stream(_) => Err("stream"),
        Datum::CollectionText(_) | Datum::CollectionBytes(_) | Datum::CollectionInt(_) | Datum::CollectionFloat(_) => Err("list"),
    }
}
