//! Blobs, queues, tables and leases: what bindings need of a storage account, as small traits, and the accounts that there are:
//! `embedded` is one in a folder ([`Storage::embedded`]), `azure` one of Azure's or of an emulator ([`Storage::azure`]), which a [`ConnectionString`] names.
//! `names` says which names are allowed in any of them, `contract` (in tests) what each must do.
//!
//! This room doesn't know bindings, functions or HTTP requests: names and bodies come as they are to be stored. All methods may be called at any time
//! from any task; none blocks its thread. Methods on the same account don't wait for each other, but for what the store itself serialises.
//!
//! Every implementation behaves as Azure Storage does where a trait's documentation is silent.

mod azure;
mod blobs;
mod connection_string;
#[cfg(test)]
mod contract;
mod embedded;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod leases;
pub mod names;
mod queues;
mod tables;

use std::sync::Arc;

pub use blobs::{BlobBody, BlobName, BlobProperties, BlobRead, Blobs, Condition, ListedBlob, WriteBlob};
pub use connection_string::{ConnectionString, ConnectionStringError};
pub use embedded::Quota;
pub use error::StorageError;
pub use leases::{LeaseId, Leases};
pub use queues::{Delay, PeekedMessage, QueueMessage, Queues, Receipt};
pub use tables::{Entity, Tables};

/// A storage account.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Its containers.
    pub blobs: Arc<dyn Blobs>,
    /// Its queues.
    pub queues: Arc<dyn Queues>,
    /// Its tables.
    pub tables: Arc<dyn Tables>,
    /// Its locks among hosts.
    pub leases: Arc<dyn Leases>,
}
