//! Leases: rows that end by themselves.

use super::Account;
use super::failure::Failure;
use super::times;
use crate::storage::{LeaseId, Leases, StorageError};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;
use uuid::Uuid;

/// How long a lease may last, as Azure has it.
const DURATIONS: std::ops::RangeInclusive<Duration> = Duration::from_secs(15)..=Duration::from_secs(60);

#[async_trait]
impl Leases for Account {
    async fn acquire(&self, name: &str, duration: Duration) -> Result<Option<LeaseId>, StorageError> {
        if !DURATIONS.contains(&duration) {
            return Err(StorageError::Other(format!("a lease lasts 15 to 60 seconds, not {}", duration.as_secs_f64())));
        }
        let name = name.to_owned();
        let take = "INSERT INTO leases (name, id, duration, expires) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (name) DO UPDATE SET id = ?2, duration = ?3, expires = ?4 WHERE expires <= ?5 RETURNING id";
        let work = move |db: &Connection| {
            let now = times::now();
            let values = params![name, Uuid::new_v4().to_string(), times::micros(duration), times::after(now, duration), now];
            Ok(db.prepare_cached(take)?.query_row(values, |row| row.get(0)).optional()?.map(LeaseId))
        };
        self.writer.write(work).await
    }

    async fn renew(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError> {
        let (name, lease) = (name.to_owned(), lease.0.clone());
        // One that has ended is still its holder's as long as nobody else took it.
        let prolong = "UPDATE leases SET expires = ? + duration WHERE name = ? AND id = ?";
        let work = move |db: &Connection| match db.prepare_cached(prolong)?.execute(params![times::now(), name, lease])? {
            0 => Err(Failure::conflict(format!("the lease of {name:?} has ended"))),
            _ => Ok(()),
        };
        self.writer.write(work).await
    }

    async fn release(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError> {
        let (name, lease) = (name.to_owned(), lease.0.clone());
        let delete = "DELETE FROM leases WHERE name = ? AND id = ?";
        self.writer.write(move |db| Ok(db.prepare_cached(delete)?.execute([name, lease]).map(|_| ())?)).await
    }
}
