//! Removes the bodies that processes left behind which died before or after their commit.
//!
//! A body is on the disk before its row is in the database, and leaves it after its row has. So a file without a row is either on its way, and its
//! writer lives, or nobody's. Who lives is seen from a lock that the kernel drops with the process: no clock and no process number can deceive.

use super::failure::Failure;
use super::private_file;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use uuid::Uuid;

/// Makes this store known as one that lives as long as the file is open. It must be the process's turn.
pub(super) fn register(folder: &Path) -> io::Result<(String, File)> {
    let id = Uuid::new_v4().simple().to_string();
    let file = private_file(&folder.join("writers").join(&id))?;
    match file.try_lock() {
        Ok(()) => Ok((id, file)),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Removes bodies without a row whose writers are dead, and what is left of these. It must be the process's turn, so that nobody registers meanwhile.
pub(super) fn sweep(folder: &Path, connection: &Connection) -> Result<(), Failure> {
    let mut living = HashSet::new();
    let mut dead = Vec::new();
    for entry in fs::read_dir(folder.join("writers"))? {
        let entry = entry?;
        if is_dead(&entry.path()) {
            dead.push(entry.path());
        } else {
            living.insert(entry.file_name());
        }
    }
    let mut named = connection.prepare("SELECT 1 FROM blobs WHERE file = ?")?;
    for entry in fs::read_dir(folder.join("blobs"))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        // A file of another form is not the store's.
        let Some((writer, _)) = name.split_once('-') else { continue };
        // That the writer is dead comes first: it can't commit a row after this has looked for one.
        if !living.contains(writer.as_ref() as &std::ffi::OsStr) && named.query_row([&name], |_| Ok(())).optional()?.is_none() {
            remove(&folder.join("blobs").join(name.as_ref()))?;
        }
    }
    // A writer without a file is dead, so that of these nothing is needed any more.
    for path in dead {
        remove(&path)?;
    }
    Ok(())
}

/// Whether nobody holds the lock. What can't be asked is taken for alive.
fn is_dead(path: &Path) -> bool {
    OpenOptions::new().read(true).write(true).open(path).is_ok_and(|file| file.try_lock().is_ok())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
