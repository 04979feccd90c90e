//! Connections that read, beside the one that writes. They see what was committed, and wait for nobody.

use super::failure::Failure;
use super::schema;
use crate::storage::StorageError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections are kept for the next reader.
const KEPT: usize = 4;

/// Connections that nobody uses just now; more are made where there is none.
#[derive(Debug)]
pub(super) struct Readers {
    pool: Arc<Pool>,
    folder: Arc<Path>,
}

#[derive(Debug)]
struct Pool {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

// === impl Readers ===

impl Readers {
    pub(super) fn new(file: PathBuf, folder: Arc<Path>) -> Readers {
        Readers { pool: Arc::new(Pool { file, idle: Mutex::default() }), folder }
    }

    /// Runs work on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StorageError> {
        let pool = self.pool.clone();
        blocking(&self.folder, move || pool.with(work)).await
    }
}

// === impl Pool ===

impl Pool {
    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = schema::connect(&self.file)?;
                connection.execute_batch("PRAGMA query_only = ON")?;
                connection
            }
        };
        let result = work(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that SQLite had trouble with is closed.
        if idle.len() < KEPT && !matches!(result, Err(Failure::Sql(_))) {
            idle.push(connection);
        }
        result
    }
}

/// Runs something that may wait for the disk where that holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|failure| failure.tell(folder)),
        Err(error) => Err(StorageError::Other(format!("the storage in {} has stopped: {error}", folder.display()))),
    }
}
