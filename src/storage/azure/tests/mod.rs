//! The account against Azurite, and against services that say what a test wants.

#[path = "../../../../tests/common/azurite.rs"]
mod azurite;
mod blobs;
mod failures;
mod queues;
mod scripted;
mod signatures;
mod tables;

use super::{Account, Sizes};
use crate::storage::contract::every_behaviour;
use crate::storage::{ConnectionString, Storage};
use azurite::Azurite;

/// Small, so that small tests have several blocks, ranges and pages.
const SIZES: Sizes = Sizes { block: 128 * 1024, range: 100_000, page: 3 };

fn open(connection_string: &str) -> Storage {
    let connection: ConnectionString = connection_string.parse().unwrap();
    Storage::from(Account::open(&connection, SIZES).unwrap())
}

/// The account of the emulator that all tests share.
fn shared() -> Storage {
    open(&Azurite::shared().connection_string())
}

/// A name that nothing has yet.
fn fresh(what: &str) -> String {
    format!("{what}-{}", uuid::Uuid::new_v4().simple())
}

async fn account() -> Option<(Storage, ())> {
    Some((shared(), ()))
}

mod contract {
    use super::*;
    every_behaviour!(account, but lenient);
}
