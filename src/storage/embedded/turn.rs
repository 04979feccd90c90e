//! Takes turns among processes: a lock on a file.
//!
//! SQLite has a lock of its own, which is what keeps the database sound. But who waits for that one sleeps and looks again, and may starve beside a
//! busy process. Waiters of this one are woken by the kernel. It also covers the start of a store, which is more than a transaction.

use std::fs::File;
use std::io;

/// The file to lock.
#[derive(Debug)]
pub(super) struct Turn(File);

/// While it lives, it is this process's turn.
#[derive(Debug)]
pub(super) struct Taken<'a>(&'a File);

// === impl Turn ===

impl Turn {
    pub(super) fn new(file: File) -> Turn {
        Turn(file)
    }

    /// Waits for the turn.
    pub(super) fn take(&self) -> io::Result<Taken<'_>> {
        loop {
            match self.0.lock() {
                Ok(()) => return Ok(Taken(&self.0)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // There is nothing to be done about an error; the end of the process unlocks too.
        let _ = self.0.unlock();
    }
}
