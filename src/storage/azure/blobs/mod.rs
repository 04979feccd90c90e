//! Blobs and containers.
//!
//! `list` reads lists, `read` reads blobs in ranges, `write` writes them in one piece or in blocks, `properties` reads headers.

mod list;
mod properties;
mod read;
mod write;

use super::Account;
use super::call::{Call, encode, encode_path};
use crate::storage::connection_string::Service;
use crate::storage::{BlobBody, BlobName, BlobProperties, BlobRead, Blobs, ListedBlob, StorageError, WriteBlob, names};
use async_trait::async_trait;
use http::{Method, StatusCode};

#[async_trait]
impl Blobs for Account {
    fn uri(&self, name: &BlobName) -> String {
        let call = blob_call(Method::GET, name);
        self.client.address(&call).unwrap_or(call.path)
    }

    async fn create_container(&self, container: &str) -> Result<bool, StorageError> {
        names::container(container)?;
        let answer = self.client.send(container_call(Method::PUT, container)).await?;
        if answer.status == StatusCode::CONFLICT && answer.code == "ContainerAlreadyExists" {
            return Ok(false);
        }
        answer.good(&[("container", container)]).map(|_| true)
    }

    async fn delete_container(&self, container: &str) -> Result<bool, StorageError> {
        names::container(container)?;
        let answer = self.client.send(container_call(Method::DELETE, container)).await?;
        if answer.is_being_deleted() {
            return Ok(false);
        }
        Ok(answer.good_or_missing(&[("container", container)])?.is_some())
    }

    async fn containers(&self) -> Result<Vec<String>, StorageError> {
        list::containers(self).await
    }

    async fn list(&self, container: &str, prefix: &str, after: Option<String>) -> Result<(Vec<ListedBlob>, Option<String>), StorageError> {
        names::container(container)?;
        list::blobs(self, container, prefix, after).await
    }

    async fn properties(&self, name: &BlobName) -> Result<Option<BlobProperties>, StorageError> {
        check(name)?;
        let answer = self.client.send(blob_call(Method::HEAD, name)).await?.good_or_missing(&about(name))?;
        Ok(answer.map(|answer| properties::of(&answer)))
    }

    async fn read(&self, name: &BlobName, offset: u64, length: Option<u64>) -> Result<Option<BlobRead>, StorageError> {
        check(name)?;
        read::open(self, name, offset, length).await
    }

    async fn write(&self, name: &BlobName, body: BlobBody, how: WriteBlob) -> Result<BlobProperties, StorageError> {
        check(name)?;
        write::write(self, name, body, &how).await
    }

    async fn delete(&self, name: &BlobName) -> Result<bool, StorageError> {
        check(name)?;
        let call = blob_call(Method::DELETE, name).header("x-ms-delete-snapshots", "include");
        Ok(self.client.send(call).await?.good_or_missing(&about(name))?.is_some())
    }
}

fn container_call(method: Method, container: &str) -> Call {
    Call::new(Service::Blob, method, format!("/{}", encode(container))).query("restype", "container")
}

pub(super) fn blob_call(method: Method, name: &BlobName) -> Call {
    Call::new(Service::Blob, method, format!("/{}/{}", encode(&name.container), encode_path(&name.blob)))
}

pub(super) fn about(name: &BlobName) -> [(&'static str, &str); 2] {
    [("container", &name.container), ("blob", &name.blob)]
}

/// Checks a blob's place.
fn check(name: &BlobName) -> Result<(), StorageError> {
    names::container(&name.container)?;
    names::blob(&name.blob)?;
    // Whoever handles an address may take such parts away, so that it would name something else.
    if name.blob.split('/').any(|part| matches!(part, "." | "..")) {
        let rule = "no part of it between slashes may be . or .., which addresses can't hold";
        return Err(StorageError::Name { kind: "blob", name: name.blob.clone(), rule });
    }
    Ok(())
}
