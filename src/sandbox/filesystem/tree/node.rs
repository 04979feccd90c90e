//! What a node is: a file, a folder or a symbolic link.

use super::pages::Pages;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A node's number. Never used twice in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in super::super) struct NodeId(pub(super) u64);

/// What kind of thing a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    File,
    Folder,
    Link,
}

/// What is known of a node.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Stat {
    pub(in super::super) kind: Kind,
    /// Names that refer to it.
    pub(in super::super) links: u32,
    /// Bytes of content, or of a link's target.
    pub(in super::super) size: u64,
    pub(in super::super) accessed: SystemTime,
    pub(in super::super) modified: SystemTime,
    pub(in super::super) changed: SystemTime,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) body: Body,
    pub(super) links: u32,
    /// Open handles.
    pub(super) opens: u32,
    pub(super) accessed: SystemTime,
    pub(super) modified: SystemTime,
    pub(super) changed: SystemTime,
}

#[derive(Debug)]
pub(super) enum Body {
    File(Pages),
    Folder {
        entries: BTreeMap<String, NodeId>,
        parent: NodeId,
    },
    /// A symbolic link, with its target.
    Link(String),
}

// === impl NodeId ===

impl NodeId {
    /// The root folder.
    pub(in super::super) const ROOT: NodeId = NodeId(1);

    /// The number that programs see as the inode's.
    pub(in super::super) fn number(self) -> u64 {
        self.0
    }
}

// === impl Node ===

impl Node {
    /// A new node with one name.
    pub(super) fn new(body: Body) -> Self {
        let now = SystemTime::now();
        Node { body, links: 1, opens: 0, accessed: now, modified: now, changed: now }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::File,
            Body::Folder { .. } => Kind::Folder,
            Body::Link(_) => Kind::Link,
        }
    }

    pub(super) fn stat(&self) -> Stat {
        let size = match &self.body {
            Body::File(pages) => pages.size(),
            Body::Folder { .. } => 0,
            Body::Link(target) => target.len() as u64,
        };
        Stat { kind: self.kind(), links: self.links, size, accessed: self.accessed, modified: self.modified, changed: self.changed }
    }

    pub(super) fn touch(&mut self) {
        self.modified = SystemTime::now();
        self.changed = self.modified;
    }

    pub(super) fn is_unused(&self) -> bool {
        self.links == 0 && self.opens == 0
    }
}

// === impl Body ===

impl Body {
    /// An empty folder.
    pub(super) fn folder(parent: NodeId) -> Self {
        Body::Folder { entries: BTreeMap::new(), parent }
    }

    pub(super) fn empty(&mut self) {
        match self {
            Body::File(pages) => *pages = Pages::default(),
            Body::Folder { entries, .. } => entries.clear(),
            Body::Link(target) => target.clear(),
        }
    }
}
