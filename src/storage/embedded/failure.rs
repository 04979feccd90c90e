//! What fails inside of the embedded store, and how it is told.

use super::super::StorageError;
use rusqlite::ErrorCode;
use std::io;
use std::path::Path;

/// Why some work on the database came to nothing. [`Failure::tell`] makes the sentence, as only the account knows its folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("there is no room within {quota} bytes")]
    Full { quota: u64 },
}

// === impl Failure ===

impl Failure {
    pub(super) fn missing(kind: &'static str, name: &str) -> Failure {
        Failure::Storage(StorageError::Missing { kind, name: name.to_owned() })
    }

    pub(super) fn conflict(reason: impl Into<String>) -> Failure {
        Failure::Storage(StorageError::Conflict(reason.into()))
    }

    /// What callers of the store get.
    pub(super) fn tell(self, folder: &Path) -> StorageError {
        match self {
            Failure::Storage(error) => error,
            Failure::Sql(error) => of_sql(&error, folder),
            Failure::Full { quota } => StorageError::Full { folder: folder.display().to_string(), quota },
            Failure::Io(error) => StorageError::Other(format!("the folder {} can't be used: {error}", folder.display())),
        }
    }
}

/// What an error of SQLite means for an account.
pub(super) fn of_sql(error: &rusqlite::Error, folder: &Path) -> StorageError {
    let folder = folder.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StorageError::Busy { endpoint: folder.to_string(), code: "another process is writing".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StorageError::Other(format!("the file storage.db in {folder} is damaged, or is not a storage of snapfunc ({error})"))
        }
        _ => StorageError::Other(format!("the folder {folder} can't be used: {error}")),
    }
}
