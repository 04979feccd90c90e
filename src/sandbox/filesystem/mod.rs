//! The guest's file system: folders of the host, read-only, through wasmtime-wasi; and `/tmp`, which is the sandbox's own, in memory.
//!
//! - [`Tmp`] is an instance's `/tmp`; `tree` is what it is made of.
//! - `descriptor` answers `wasi:filesystem/types`: handles of `/tmp` here, all others by wasmtime-wasi, but for what would cost the host more than it may.
//! - `streams` reads and writes files of `/tmp`, and reads those of the host; `listing` tells what is in a folder; `convert` puts the tree's words into WASI's.
//!
//! No file of the host is written, so nothing is left behind whatever happens to the process.

mod convert;
mod descriptor;
mod listing;
mod streams;
mod tree;

use super::state::{Mounts, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tree::{NodeId, Quota, Tree};
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};

/// Where the guest has it.
const TMP: &str = "/tmp";

/// An instance's `/tmp`.
#[derive(Debug)]
pub(super) struct Tmp {
    tree: SharedTree,
}

/// The streams of open files share it with the store. Only one of them works at a time: the guest has one thread.
#[derive(Debug, Clone)]
struct SharedTree(Arc<Mutex<Tree>>);

/// Keeps a node of the tree as long as it lives.
#[derive(Debug)]
struct Handle {
    tree: SharedTree,
    node: NodeId,
}

/// An open file or folder of `/tmp`.
#[derive(Debug)]
struct TmpDescriptor {
    handle: Handle,
    flags: types::DescriptorFlags,
}

/// What the answers work on.
struct View<'a> {
    host: WasiFilesystemCtxView<'a>,
    mounts: &'a Mounts,
    tmp: &'a Tmp,
    listings: &'a mut Listings,
}

/// What an instance's open listings of folders hold: names that the host keeps, outside of the guest's memory and its limit.
#[derive(Debug, Default)]
pub(super) struct Listings {
    count: usize,
    /// Bytes.
    held: usize,
}

struct Filesystem;

// === impl Tmp ===

impl Tmp {
    /// An empty one that takes so many bytes and so many names.
    pub(super) fn new(bytes: u64, names: usize) -> Self {
        Tmp { tree: SharedTree(Arc::new(Mutex::new(Tree::new(Quota { bytes, names })))) }
    }

    /// Empties it. Files that are still open lose their content and their names.
    pub(super) fn clear(&mut self) {
        self.tree.lock().clear();
    }

    fn root(&self) -> TmpDescriptor {
        self.tree.lock().retain(NodeId::ROOT);
        let handle = Handle { tree: self.tree.clone(), node: NodeId::ROOT };
        TmpDescriptor { handle, flags: types::DescriptorFlags::READ | types::DescriptorFlags::MUTATE_DIRECTORY }
    }
}

// === impl SharedTree ===

impl SharedTree {
    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Handle ===

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.tree.lock().retain(self.node);
        Handle { tree: self.tree.clone(), node: self.node }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tree.lock().close(self.node);
    }
}

// === impl Filesystem ===

impl HasData for Filesystem {
    type Data<'a> = View<'a>;
}

/// Links `wasi:filesystem`.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, Filesystem>(linker, view)?;
    preopens::add_to_linker::<State, Filesystem>(linker, view)
}

fn view(state: &mut State) -> View<'_> {
    let (host, mounts, tmp, listings) = state.filesystem();
    View { host, mounts, tmp, listings }
}

#[cfg(test)]
mod tests;
