//! Locks among hosts that share an account.

use super::StorageError;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// Proves that a lease is the holder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseId(pub String);

/// Named locks that end by themselves when their holder doesn't renew them. In Azure Storage each is a lease on an empty blob `locks/NAME` in the
/// container `azure-webjobs-hosts`, which is made where it is missing.
#[async_trait]
pub trait Leases: fmt::Debug + Send + Sync {
    /// Takes a lease for 15 to 60 seconds. Nothing where another holder has it.
    async fn acquire(&self, name: &str, duration: Duration) -> Result<Option<LeaseId>, StorageError>;

    /// Prolongs a lease by the duration that it was taken for. [`StorageError::Conflict`] where it ended and somebody else took it.
    async fn renew(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError>;

    /// Gives a lease back, so that others can take it at once. One that is no longer the holder's is left alone.
    async fn release(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError>;
}
