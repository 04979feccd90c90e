//! The database's tables, its version, and how a connection is set up.

use super::failure::{Failure, of_sql};
use crate::storage::StorageError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Counts up with each change of the tables below.
const VERSION: i64 = 2;
/// Tells the file from other programs' databases: `snap`.
const APPLICATION: i64 = 0x736e_6170;
/// How long a connection waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Enough for every statement that there is.
const STATEMENTS: usize = 64;

/// Numbers of queues and tables are never used again, so that what belongs to a deleted one can't come back in another. Large entities and bodies come
/// last in their rows, where reading what is before doesn't touch them.
const TABLES: &str = "
CREATE TABLE containers (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    container TEXT NOT NULL REFERENCES containers (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    length INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    file TEXT,
    body BLOB,
    UNIQUE (container, name)
);
CREATE UNIQUE INDEX blobs_by_file ON blobs (file) WHERE file IS NOT NULL;
CREATE TABLE queues (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL REFERENCES queues (id) ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    receipt TEXT NOT NULL,
    dequeue_count INTEGER NOT NULL DEFAULT 0,
    inserted INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX messages_by_visibility ON messages (queue, visible, sequence);
CREATE INDEX messages_by_expiry ON messages (expires);
CREATE TABLE tables (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
CREATE TABLE entities (
    id INTEGER PRIMARY KEY,
    in_table INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
    partition_key TEXT NOT NULL,
    row_key TEXT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (in_table, partition_key, row_key)
);
CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL, duration INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
";

/// What large bodies take together, as long as rows name them. Version 1 had no such table.
const LARGE_BODIES: &str = "
CREATE TABLE large_bodies (bytes INTEGER NOT NULL);
INSERT INTO large_bodies SELECT coalesce(sum(length), 0) FROM blobs WHERE file IS NOT NULL;
CREATE TRIGGER large_body_comes AFTER INSERT ON blobs WHEN new.file IS NOT NULL BEGIN
    UPDATE large_bodies SET bytes = bytes + new.length;
END;
CREATE TRIGGER large_body_changes AFTER UPDATE OF file ON blobs WHEN old.file IS NOT new.file BEGIN
    UPDATE large_bodies SET bytes = bytes - iif(old.file IS NULL, 0, old.length) + iif(new.file IS NULL, 0, new.length);
END;
CREATE TRIGGER large_body_goes AFTER DELETE ON blobs WHEN old.file IS NOT NULL BEGIN
    UPDATE large_bodies SET bytes = bytes - old.length;
END;
";

/// Opens a connection to a file that is there.
pub(super) fn connect(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // With FULL each commit is on the disk when it returns, not only in the kernel.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;")?;
    Ok(connection)
}

/// Makes the tables in an empty database, or checks that a filled one is of this version, or makes it so.
pub(super) fn prepare(connection: &mut Connection, folder: &Path) -> Result<(), StorageError> {
    let found = version(connection).map_err(|error| of_sql(&error, folder))?;
    let folder_name = folder.display();
    match found {
        Some(VERSION) => Ok(()),
        Some(1) => upgrade(connection).map_err(|failure| failure.tell(folder)),
        Some(newer) if newer > VERSION => Err(StorageError::Other(format!(
            "the storage in {folder_name} was written by a newer version of snapfunc: its format is {newer}, this one knows {VERSION}"
        ))),
        Some(other) => Err(StorageError::Other(format!("the storage in {folder_name} has the unknown format {other}"))),
        None => create(connection).map_err(|failure| failure.tell(folder)),
    }
}

/// The version; nothing where the database is empty. Another program's database is an error as a damaged one is.
fn version(connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (pragma("application_id")?, tables) {
        (APPLICATION, _) => Ok(Some(pragma("user_version")?)),
        (0, 0) => Ok(None),
        _ => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
            Some("it holds another program's tables".to_owned()),
        )),
    }
}

fn create(connection: &mut Connection) -> Result<(), Failure> {
    // With a write-ahead log readers and the writer don't wait for each other, and a commit is one write to the end of a file.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(LARGE_BODIES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

fn upgrade(connection: &mut Connection) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(LARGE_BODIES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}
