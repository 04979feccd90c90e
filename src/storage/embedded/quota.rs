//! How much the account may hold: pages of the database that are in use, and large bodies.
//!
//! It is looked at after something was added, in the savepoint of that, which the error undoes. SQLite's own limit (`max_page_count`) would undo the whole transaction,
//! with what others have in it, and does not know of bodies. What removes or receives is not asked, so that a full account can be emptied.

use super::failure::Failure;
use rusqlite::{Connection, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the host itself keeps: receipts of blobs and the status of timers; and messages that no function could take.
const OWN_CONTAINER: &str = "azure-webjobs-hosts";
const OWN_QUEUES: &str = "-poison";
/// The host has so much more, as a part of all: functions that fill the storage don't stop what runs them.
const OWN_SHARE: u64 = 8;

/// The bytes that an embedded account may hold. Who holds it may change them while the account is open.
#[derive(Debug, Clone)]
pub struct Quota(Arc<AtomicU64>);

/// What some part of the account may add up to, with all that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    bytes: u64,
    /// Of all.
    quota: u64,
}

// === impl Quota ===

impl Quota {
    /// So many bytes.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Quota(Arc::new(AtomicU64::new(bytes)))
    }

    /// From now on so many.
    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// For a container and its blobs.
    pub(super) fn of_container(&self, container: &str) -> Share {
        self.share(container == OWN_CONTAINER)
    }

    /// For a queue and its messages.
    pub(super) fn of_queue(&self, queue: &str) -> Share {
        self.share(queue.ends_with(OWN_QUEUES))
    }

    /// For tables and their entities.
    pub(super) fn of_tables(&self) -> Share {
        self.share(false)
    }

    fn share(&self, own: bool) -> Share {
        let quota = self.0.load(Ordering::Relaxed);
        Share { bytes: if own { quota.saturating_add(quota / OWN_SHARE) } else { quota }, quota }
    }
}

impl Default for Quota {
    /// No limit.
    fn default() -> Self {
        Quota::of(u64::MAX)
    }
}

// === impl Share ===

impl Share {
    /// Whether what is there, with what the transaction has added, is within it.
    pub(super) fn check(self, db: &Connection) -> Result<(), Failure> {
        self.takes(used(db)?)
    }

    /// What is left of it.
    pub(super) fn left(self, db: &Connection) -> Result<Share, Failure> {
        Ok(Share { bytes: self.bytes.saturating_sub(used(db)?), ..self })
    }

    /// Whether there is room for so much.
    pub(super) fn takes(self, bytes: u64) -> Result<(), Failure> {
        if bytes <= self.bytes { Ok(()) } else { Err(Failure::Full { quota: self.quota }) }
    }
}

/// What there is, with what the connection's transaction has added.
fn used(db: &Connection) -> Result<u64, rusqlite::Error> {
    let number = |statement: &str| db.prepare_cached(statement)?.query_row([], |row: &Row<'_>| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok(pages.saturating_mul(number("PRAGMA page_size")?).saturating_add(number("SELECT bytes FROM large_bodies")?))
}
