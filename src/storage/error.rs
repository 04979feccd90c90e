//! What can go wrong with a storage account.

/// Why a storage operation failed. No variant holds a key, a signature or a connection string.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Nobody answers, or the answer broke off: worth another try later.
    #[error("the storage at {endpoint} can't be reached: {reason}")]
    Unreachable {
        /// Scheme, host and port.
        endpoint: String,
        /// In words.
        reason: String,
    },
    /// It answers that it has too much to do, or has an error of its own, still after some tries: worth another try later.
    #[error("the storage at {endpoint} is busy: {code}")]
    Busy {
        /// Scheme, host and port.
        endpoint: String,
        /// The status or the service's own word: `503 ServerBusy`.
        code: String,
    },
    /// The key or signature is wrong, has ended, or doesn't allow this.
    #[error("the storage at {endpoint} refuses access: {code}")]
    Denied {
        /// Scheme, host and port.
        endpoint: String,
        /// The service's own word: `AuthenticationFailed`.
        code: String,
    },
    /// A container, queue or table is not there.
    #[error("there is no {kind} {name:?}")]
    Missing {
        /// `container`, `queue`, `table`, `blob` or `message`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The condition of a write does not hold, something is there already, or somebody else has the lease or a newer receipt.
    #[error("{0}")]
    Conflict(String),
    /// A name that Azure Storage doesn't allow.
    #[error("{name:?} is no name of a {kind}: {rule}")]
    Name {
        /// `container`, `blob`, `queue`, `table`, `partition key`, `row key` or `property`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What is allowed, as a sentence's end.
        rule: &'static str,
    },
    /// Too large to be stored.
    #[error("{what} has {bytes} bytes, more than the {limit} that are allowed")]
    TooLarge {
        /// `a queue message` or the like.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The most.
        limit: u64,
    },
    /// An embedded account has no room for more.
    #[error("the storage in {folder} is full: it may hold {} MiB; delete what is not needed, or set a larger snapfunc.storageMb in host.json", .quota >> 20)]
    Full {
        /// Its folder.
        folder: String,
        /// The bytes that it may hold.
        quota: u64,
    },
    /// A filter that can't be read.
    #[error("the filter {filter:?} can't be read at character {at}: {reason}")]
    Filter {
        /// The filter.
        filter: String,
        /// Where, counted from 1.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The body that was to be stored could not be read to its end.
    #[error("the content could not be read: {0}")]
    Body(String),
    /// The service or the embedded store says something else.
    #[error("the storage failed: {0}")]
    Other(String),
}

// === impl StorageError ===

impl StorageError {
    /// Whether the same call may succeed later, without anybody changing anything of the app.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, StorageError::Unreachable { .. } | StorageError::Busy { .. })
    }
}
