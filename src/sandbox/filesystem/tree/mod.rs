//! A tree of files in memory with a quota: what `/tmp` is made of. Knows nothing of WASI; behaves as a POSIX file system of one user does.
//!
//! - [`Tree`] owns all nodes, counts what they use, and reads and writes files (here).
//! - `walk` follows paths; `folders` makes, moves and removes names.
//! - `pages` holds a file's content; `node` says what a node is.
//!
//! Nothing here recurses, and no path, offset or size that a guest may think of makes it panic.

mod folders;
mod node;
mod pages;
mod walk;

#[cfg(test)]
mod tests;

pub(super) use node::{Kind, NodeId, Stat};
pub(super) use walk::Follow;

use node::{Body, Node};
use pages::{PAGE, Pages};
use std::collections::HashMap;
use std::time::SystemTime;
use walk::Place;

/// The longest path, and the longest target of a symbolic link, in bytes: Linux's `PATH_MAX`.
pub(super) const LONGEST_PATH: usize = 4096;
/// The longest name, in bytes: Linux's `NAME_MAX`.
const LONGEST_NAME: usize = 255;
/// Files end here at the latest, as offsets are signed for POSIX.
const LARGEST_FILE: u64 = i64::MAX as u64;

/// Why an operation failed: POSIX's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TreeError {
    #[error("it exists already")]
    Exists,
    #[error("there is no such file or folder")]
    NoEntry,
    #[error("it is not a folder")]
    NotFolder,
    #[error("it is a folder")]
    IsFolder,
    #[error("the folder is not empty")]
    NotEmpty,
    #[error("that is not permitted")]
    NotPermitted,
    #[error("too many symbolic links")]
    Loop,
    #[error("the name is too long")]
    NameTooLong,
    #[error("the file would be too large")]
    FileTooLarge,
    #[error("the quota of /tmp is used up")]
    NoSpace,
    #[error("that makes no sense here")]
    Invalid,
}

/// How much a tree may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    /// Bytes of content. Counted in whole pages, as tmpfs does.
    pub(super) bytes: u64,
    /// Names of files, folders and links.
    pub(super) names: usize,
}

/// How to open a path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OpenOptions {
    pub(super) follow: Follow,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    pub(super) folder: bool,
    pub(super) write: bool,
}

/// Files, folders and symbolic links below one root.
///
/// Invariants: a node is kept while a name or an open handle refers to it; `pages` and `names` are what all nodes together use.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: HashMap<NodeId, Node>,
    next: u64,
    pages: u64,
    names: usize,
    quota: Quota,
}

// === impl Tree ===

impl Tree {
    pub(super) fn new(quota: Quota) -> Self {
        let root = Node::new(Body::folder(NodeId::ROOT));
        Tree { nodes: [(NodeId::ROOT, root)].into(), next: NodeId::ROOT.0 + 1, pages: 0, names: 0, quota }
    }

    /// Empties it. Handles stay good: what is open loses its content and its name.
    pub(super) fn clear(&mut self) {
        self.nodes.retain(|id, node| *id == NodeId::ROOT || node.opens > 0);
        for (id, node) in &mut self.nodes {
            node.body.empty();
            if *id != NodeId::ROOT {
                node.links = 0;
            }
        }
        self.pages = 0;
        self.names = 0;
    }

    /// Opens what a path names, or makes a file. Each success needs a [`close`](Tree::close).
    pub(super) fn open(&mut self, base: NodeId, path: &str, options: OpenOptions) -> Result<NodeId, TreeError> {
        let follow = if options.create && options.exclusive { Follow::No } else { options.follow };
        let node = match self.walk(base, path, follow)? {
            Place::Folder(node) | Place::Entry { node: Some(node), .. } => {
                if options.create && options.exclusive {
                    return Err(TreeError::Exists);
                }
                self.check_opening(node, options)?;
                node
            }
            Place::Entry { folder, name, node: None } => {
                if !options.create {
                    return Err(TreeError::NoEntry);
                }
                if options.folder {
                    return Err(TreeError::Invalid);
                }
                self.add(folder, name, Body::File(Pages::default()))?
            }
        };
        if options.truncate {
            self.resize(node, 0)?;
        }
        self.retain(node);
        Ok(node)
    }

    fn check_opening(&self, node: NodeId, options: OpenOptions) -> Result<(), TreeError> {
        match self.node(node)?.kind() {
            Kind::Folder if options.write || options.truncate || (options.create && !options.folder) => Err(TreeError::IsFolder),
            Kind::File if options.folder => Err(TreeError::NotFolder),
            // The last name of a path that was not to be followed.
            Kind::Link => Err(TreeError::Loop),
            Kind::Folder | Kind::File => Ok(()),
        }
    }

    /// One more handle refers to a node.
    pub(super) fn retain(&mut self, node: NodeId) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.opens += 1;
        }
    }

    /// A handle is gone, and the node with it if nothing else refers to it.
    pub(super) fn close(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.opens = node.opens.saturating_sub(1);
            self.drop_if_unused(id);
        }
    }

    pub(super) fn stat(&self, node: NodeId) -> Result<Stat, TreeError> {
        Ok(self.node(node)?.stat())
    }

    /// What a path names.
    pub(super) fn find(&self, base: NodeId, path: &str, follow: Follow) -> Result<NodeId, TreeError> {
        match self.walk(base, path, follow)? {
            Place::Folder(node) | Place::Entry { node: Some(node), .. } => Ok(node),
            Place::Entry { node: None, .. } => Err(TreeError::NoEntry),
        }
    }

    /// Sets times; nothing leaves one as it is.
    pub(super) fn set_times(&mut self, node: NodeId, accessed: Option<SystemTime>, modified: Option<SystemTime>) -> Result<(), TreeError> {
        let node = self.node_mut(node)?;
        node.accessed = accessed.unwrap_or(node.accessed);
        node.modified = modified.unwrap_or(node.modified);
        node.changed = SystemTime::now();
        Ok(())
    }

    /// Up to `length` bytes from an offset; nothing at the end.
    pub(super) fn read(&self, node: NodeId, offset: u64, length: usize) -> Result<Vec<u8>, TreeError> {
        Ok(self.file(node)?.read(offset, length))
    }

    /// Writes all of `data` or, where the quota does not allow it, nothing.
    pub(super) fn write(&mut self, node: NodeId, offset: u64, data: &[u8]) -> Result<(), TreeError> {
        let end = offset.checked_add(data.len() as u64).filter(|end| *end <= LARGEST_FILE).ok_or(TreeError::FileTooLarge)?;
        let more = self.file(node)?.missing(offset, end);
        if (self.pages + more) * PAGE as u64 > self.quota.bytes {
            return Err(TreeError::NoSpace);
        }
        self.pages += more;
        self.change(node)?.write(offset, data);
        Ok(())
    }

    /// The same at the file's end.
    pub(super) fn append(&mut self, node: NodeId, data: &[u8]) -> Result<(), TreeError> {
        self.write(node, self.file(node)?.size(), data)
    }

    /// Cuts a file, or lets it end in a hole that reads as zeros.
    pub(super) fn resize(&mut self, node: NodeId, size: u64) -> Result<(), TreeError> {
        if size > LARGEST_FILE {
            return Err(TreeError::FileTooLarge);
        }
        self.pages -= self.change(node)?.resize(size);
        Ok(())
    }

    fn node(&self, id: NodeId) -> Result<&Node, TreeError> {
        self.nodes.get(&id).ok_or(TreeError::NoEntry)
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, TreeError> {
        self.nodes.get_mut(&id).ok_or(TreeError::NoEntry)
    }

    fn file(&self, id: NodeId) -> Result<&Pages, TreeError> {
        match &self.node(id)?.body {
            Body::File(pages) => Ok(pages),
            Body::Folder { .. } => Err(TreeError::IsFolder),
            Body::Link(_) => Err(TreeError::Invalid),
        }
    }

    /// A file's content to be changed, with the time of the change.
    fn change(&mut self, id: NodeId) -> Result<&mut Pages, TreeError> {
        let node = self.node_mut(id)?;
        node.touch();
        match &mut node.body {
            Body::File(pages) => Ok(pages),
            Body::Folder { .. } => Err(TreeError::IsFolder),
            Body::Link(_) => Err(TreeError::Invalid),
        }
    }

    fn drop_if_unused(&mut self, id: NodeId) {
        if self.nodes.get(&id).is_some_and(Node::is_unused)
            && let Some(Node { body: Body::File(pages), .. }) = self.nodes.remove(&id)
        {
            self.pages -= pages.count();
        }
    }
}
