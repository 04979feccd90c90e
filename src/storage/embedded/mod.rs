//! A storage account in a folder, for hosts on one machine: nothing to install, nothing to sign in to.
//!
//! ```text
//! storage.db      all but large bodies: SQLite, with a write-ahead log (storage.db-wal, storage.db-shm)
//! storage.lock    whose turn it is to write
//! blobs/          large bodies, a file each, WRITER-NUMBER; a file never changes once a row of the database names it
//! writers/        a file for each open store, locked as long as it is open
//! ```
//!
//! - [`open`] prepares the folder; `schema` the database; `sweep` removes what processes that died have left.
//! - `writer` is the one thread that writes, `readers` are those that read, `turn` orders processes. No caller's thread waits for the disk.
//! - `blobs`, `queues`, `tables` and `leases` are the four traits; `blob_rows`, `body` and `files` are what blobs are made of, `entity` and `filter` what
//!   tables are.
//! - `changes` wakes who waits for a message or a blob. `quota` says what is too much.
//!
//! What is acknowledged is on the disk. Several processes may open one folder, on a file system of their machine: SQLite's log needs shared memory.

mod blob_rows;
mod blobs;
mod body;
mod changes;
mod entity;
mod failure;
mod files;
mod filter;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod leases;
mod queues;
mod quota;
mod readers;
mod schema;
mod sweep;
mod tables;
mod times;
mod turn;
mod writer;

#[cfg(test)]
mod tests;

pub use quota::Quota;

use super::{Storage, StorageError};
use changes::Changes;
use failure::Failure;
use files::Files;
use quota::Share;
use readers::{Readers, blocking};
use rusqlite::Connection;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use turn::Turn;
use writer::{Desk, Writer};

/// The account: all four traits in one.
#[derive(Debug)]
struct Account {
    folder: Arc<Path>,
    writer: Writer,
    readers: Readers,
    files: Arc<Files>,
    changes: Arc<Changes>,
    quota: Quota,
}

// === impl Storage ===

impl Storage {
    /// The account that a folder holds, which is made where it is missing. It may be open several times and in several processes.
    ///
    /// Writes are on the disk when they return. A call that is dropped before it returns may or may not have happened, as with a service. One that would add
    /// to more than the `quota` is [`StorageError::Full`].
    pub async fn embedded(folder: &Path, quota: Quota) -> Result<Storage, StorageError> {
        let folder: Arc<Path> = folder.into();
        let opened = folder.clone();
        let account = Arc::new(blocking(&folder, move || open(opened, quota)).await?);
        Ok(Storage { blobs: account.clone(), queues: account.clone(), tables: account.clone(), leases: account })
    }
}

// === impl Account ===

impl Account {
    /// Makes what has nothing but a name. Says whether it was not there before.
    async fn create_named(&self, insert: &'static str, name: &str, share: Share) -> Result<bool, StorageError> {
        let name = name.to_owned();
        let work = move |db: &Connection| {
            let is_new = db.prepare_cached(insert)?.execute([name])? > 0;
            if is_new {
                share.check(db)?;
            }
            Ok(is_new)
        };
        self.writer.write(work).await
    }
}

/// Prepares a folder and starts the thread that writes.
fn open(folder: Arc<Path>, quota: Quota) -> Result<Account, Failure> {
    private_folder(&folder)?;
    let turn = Turn::new(private_file(&folder.join("storage.lock"))?);
    let taken = turn.take()?;
    for inner in ["blobs", "writers"] {
        private_folder(&folder.join(inner))?;
    }
    let file = folder.join("storage.db");
    make_database(&file)?;
    sync_folder(&folder)?;
    let mut connection = schema::connect(&file)?;
    schema::prepare(&mut connection, &folder)?;
    let (id, kept) = sweep::register(&folder)?;
    sweep::sweep(&folder, &connection)?;
    drop(taken);
    let changes = Arc::new(Changes::default());
    let desk = Desk { connection, turn, changes: changes.clone(), kept };
    Ok(Account {
        writer: Writer::start(desk, folder.clone())?,
        readers: Readers::new(file, folder.clone()),
        files: Arc::new(Files::new(folder.join("blobs"), &id)),
        changes,
        quota,
        folder,
    })
}

/// Makes a folder that is only for this user, where it is missing.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty database, where it is missing, whose permissions SQLite gives to its other files too. One that is there may not even be opened: when
/// it is closed again, the kernel drops all locks that SQLite has on it in this process.
fn make_database(file: &Path) -> io::Result<()> {
    match private().create_new(true).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file that is only for this user, and makes it where it is missing.
fn private_file(path: &Path) -> io::Result<File> {
    private().create(true).truncate(false).open(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Has the names of a folder's files on the disk. Windows has no such thing, and needs none.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
