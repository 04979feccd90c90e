//! Makes, moves and removes names.

use super::node::{Body, Kind, Node, NodeId};
use super::walk::{Follow, Place};
use super::{LONGEST_PATH, Tree, TreeError};
use std::collections::BTreeMap;

impl Tree {
    /// A folder's names, in order.
    pub(super) fn entries(&self, folder: NodeId) -> Result<&BTreeMap<String, NodeId>, TreeError> {
        match &self.node(folder)?.body {
            Body::Folder { entries, .. } => Ok(entries),
            Body::File(_) | Body::Link(_) => Err(TreeError::NotFolder),
        }
    }

    /// The same with what each is.
    pub(in super::super) fn list(&self, folder: NodeId) -> Result<Vec<(String, Kind)>, TreeError> {
        self.entries(folder)?.iter().map(|(name, node)| Ok((name.clone(), self.node(*node)?.kind()))).collect()
    }

    pub(in super::super) fn create_folder(&mut self, base: NodeId, path: &str) -> Result<(), TreeError> {
        let (folder, name) = self.free_place(base, path.trim_end_matches('/'))?;
        self.add(folder, name, Body::folder(folder)).map(drop)
    }

    pub(in super::super) fn symlink(&mut self, target: &str, base: NodeId, path: &str) -> Result<(), TreeError> {
        match target {
            "" => return Err(TreeError::NoEntry),
            // Where it led to would be decided outside of this tree.
            absolute if absolute.starts_with('/') => return Err(TreeError::NotPermitted),
            long if long.len() > LONGEST_PATH => return Err(TreeError::NameTooLong),
            _ => {}
        }
        let (folder, name) = self.free_place(base, path)?;
        self.add(folder, name, Body::Link(target.to_owned())).map(drop)
    }

    pub(in super::super) fn read_link(&self, base: NodeId, path: &str) -> Result<String, TreeError> {
        match &self.node(self.find(base, path, Follow::No)?)?.body {
            Body::Link(target) => Ok(target.clone()),
            Body::File(_) | Body::Folder { .. } => Err(TreeError::Invalid),
        }
    }

    /// Gives a file one more name.
    pub(in super::super) fn link(
        &mut self,
        old_base: NodeId,
        old_path: &str,
        follow: Follow,
        new_base: NodeId,
        new_path: &str,
    ) -> Result<(), TreeError> {
        let node = self.find(old_base, old_path, follow)?;
        if self.node(node)?.kind() == Kind::Folder {
            return Err(TreeError::NotPermitted);
        }
        let (folder, name) = self.free_place(new_base, new_path)?;
        self.make_room(folder)?;
        self.node_mut(node)?.links += 1;
        self.insert(folder, name, node)
    }

    pub(in super::super) fn remove_folder(&mut self, base: NodeId, path: &str) -> Result<(), TreeError> {
        match self.walk(base, path.trim_end_matches('/'), Follow::No)? {
            Place::Folder(_) => Err(TreeError::Invalid),
            Place::Entry { node: None, .. } => Err(TreeError::NoEntry),
            Place::Entry { folder, name, node: Some(node) } => {
                if !self.entries(node)?.is_empty() {
                    return Err(TreeError::NotEmpty);
                }
                self.remove(folder, &name)
            }
        }
    }

    /// Takes a name from a file or a link.
    pub(in super::super) fn unlink(&mut self, base: NodeId, path: &str) -> Result<(), TreeError> {
        match self.walk(base, path, Follow::No)? {
            Place::Folder(_) => Err(TreeError::IsFolder),
            Place::Entry { node: None, .. } => Err(TreeError::NoEntry),
            Place::Entry { folder, name, node: Some(node) } => match self.node(node)?.kind() {
                Kind::Folder => Err(TreeError::IsFolder),
                Kind::File | Kind::Link => self.remove(folder, &name),
            },
        }
    }

    /// Gives a node another name, in place of whatever had it.
    pub(in super::super) fn rename(&mut self, old_base: NodeId, old_path: &str, new_base: NodeId, new_path: &str) -> Result<(), TreeError> {
        let old = self.walk(old_base, old_path.trim_end_matches('/'), Follow::No)?;
        let new = self.walk(new_base, new_path.trim_end_matches('/'), Follow::No)?;
        let (
            Place::Entry { folder: old_folder, name: old_name, node },
            Place::Entry { folder: new_folder, name: new_name, node: replaced },
        ) = (old, new)
        else {
            return Err(TreeError::Invalid);
        };
        let node = node.ok_or(TreeError::NoEntry)?;
        let is_folder = self.node(node)?.kind() == Kind::Folder;
        if !is_folder && (old_path.ends_with('/') || new_path.ends_with('/')) {
            return Err(TreeError::NotFolder);
        }
        if is_folder && self.is_within(new_folder, node) {
            return Err(TreeError::Invalid);
        }
        if replaced == Some(node) {
            return Ok(());
        }
        if let Some(replaced) = replaced {
            self.check_replacing(replaced, is_folder)?;
            self.remove(new_folder, &new_name)?;
        }
        self.check_alive(new_folder)?;
        self.names -= 1;
        self.edit(old_folder)?.remove(&old_name);
        if let Body::Folder { parent, .. } = &mut self.node_mut(node)?.body {
            *parent = new_folder;
        }
        self.insert(new_folder, new_name, node)
    }

    fn check_replacing(&self, replaced: NodeId, by_folder: bool) -> Result<(), TreeError> {
        match (&self.node(replaced)?.body, by_folder) {
            (Body::Folder { .. }, false) => Err(TreeError::IsFolder),
            (Body::Folder { entries, .. }, true) if !entries.is_empty() => Err(TreeError::NotEmpty),
            (Body::File(_) | Body::Link(_), true) => Err(TreeError::NotFolder),
            (Body::Folder { .. }, true) | (Body::File(_) | Body::Link(_), false) => Ok(()),
        }
    }

    /// Whether a folder is another one or below it.
    fn is_within(&self, folder: NodeId, above: NodeId) -> bool {
        let mut current = folder;
        loop {
            if current == above {
                return true;
            }
            match self.nodes.get(&current).map(|node| &node.body) {
                Some(Body::Folder { parent, .. }) if current != NodeId::ROOT => current = *parent,
                _ => return false,
            }
        }
    }

    /// The folder and the name of something that does not exist yet.
    fn free_place(&self, base: NodeId, path: &str) -> Result<(NodeId, String), TreeError> {
        match self.walk(base, path, Follow::No)? {
            Place::Entry { folder, name, node: None } => Ok((folder, name)),
            Place::Folder(_) | Place::Entry { node: Some(_), .. } => Err(TreeError::Exists),
        }
    }

    /// Makes a node with a name.
    pub(super) fn add(&mut self, folder: NodeId, name: String, body: Body) -> Result<NodeId, TreeError> {
        self.make_room(folder)?;
        let id = NodeId(self.next);
        self.next += 1;
        self.nodes.insert(id, Node::new(body));
        self.insert(folder, name, id)?;
        Ok(id)
    }

    /// A folder takes one more name if it has not been removed and the quota allows it.
    fn make_room(&self, folder: NodeId) -> Result<(), TreeError> {
        self.check_alive(folder)?;
        if self.names < self.quota.names { Ok(()) } else { Err(TreeError::NoSpace) }
    }

    /// A folder that was removed but is still open takes nothing in.
    fn check_alive(&self, folder: NodeId) -> Result<(), TreeError> {
        if self.node(folder)?.links > 0 { Ok(()) } else { Err(TreeError::NoEntry) }
    }

    fn insert(&mut self, folder: NodeId, name: String, node: NodeId) -> Result<(), TreeError> {
        self.edit(folder)?.insert(name, node);
        self.names += 1;
        Ok(())
    }

    fn remove(&mut self, folder: NodeId, name: &str) -> Result<(), TreeError> {
        let node = self.edit(folder)?.remove(name).ok_or(TreeError::NoEntry)?;
        self.names -= 1;
        let removed = self.node_mut(node)?;
        removed.links -= 1;
        removed.changed = std::time::SystemTime::now();
        self.drop_if_unused(node);
        Ok(())
    }

    /// A folder's names to be changed, with the time of the change.
    fn edit(&mut self, folder: NodeId) -> Result<&mut BTreeMap<String, NodeId>, TreeError> {
        let node = self.node_mut(folder)?;
        node.touch();
        match &mut node.body {
            Body::Folder { entries, .. } => Ok(entries),
            Body::File(_) | Body::Link(_) => Err(TreeError::NotFolder),
        }
    }
}
