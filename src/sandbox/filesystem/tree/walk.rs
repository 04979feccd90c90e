//! Follows paths.

use super::node::{Body, NodeId};
use super::{LONGEST_NAME, LONGEST_PATH, Tree, TreeError};

/// How many symbolic links one path may lead through, as on Linux.
const MOST_LINKS: usize = 40;

/// Whether a symbolic link at the path's end is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum Follow {
    #[default]
    No,
    Yes,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To a folder, but by `.` or `..`: there is no name in a folder above.
    Folder(NodeId),
    /// To a name in a folder, whether something has it or not.
    Entry { folder: NodeId, name: String, node: Option<NodeId> },
}

impl Tree {
    /// Follows a relative path from a folder. It may not leave that folder, neither by `..` nor by a link.
    pub(super) fn walk(&self, base: NodeId, path: &str, follow: Follow) -> Result<Place, TreeError> {
        self.entries(base)?;
        if path.is_empty() {
            return Err(TreeError::NoEntry);
        }
        // The components that are left, the next one last, and the folders from the base to where we are.
        let mut rest = Vec::new();
        let mut trail = vec![base];
        let mut links = 0;
        push_components(&mut rest, path)?;
        while let Some(component) = rest.pop() {
            let folder = trail.last().copied().unwrap_or(base);
            match component.as_str() {
                "." => continue,
                ".." if trail.len() == 1 => return Err(TreeError::NotPermitted),
                ".." => {
                    trail.pop();
                    continue;
                }
                _ => {}
            }
            let node = self.entries(folder)?.get(&component).copied();
            match node.map(|id| self.node(id)).transpose()?.map(|node| &node.body) {
                Some(Body::Link(target)) if !rest.is_empty() || follow == Follow::Yes => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(TreeError::Loop);
                    }
                    push_components(&mut rest, target)?;
                }
                _ if rest.is_empty() => return Ok(Place::Entry { folder, name: component, node }),
                None => return Err(TreeError::NoEntry),
                Some(Body::Folder { .. }) => trail.extend(node),
                Some(_) => return Err(TreeError::NotFolder),
            }
        }
        Ok(Place::Folder(trail.last().copied().unwrap_or(base)))
    }
}

/// Puts a path's components before those that are left. A slash at the end asks for a folder, as `.` does.
fn push_components(rest: &mut Vec<String>, path: &str) -> Result<(), TreeError> {
    if path.starts_with('/') {
        return Err(TreeError::NotPermitted);
    }
    if path.len() > LONGEST_PATH {
        return Err(TreeError::NameTooLong);
    }
    if path.contains('\0') {
        return Err(TreeError::Invalid);
    }
    if path.ends_with('/') {
        rest.push(".".to_owned());
    }
    for component in path.split('/').rev().filter(|component| !component.is_empty()) {
        if component.len() > LONGEST_NAME {
            return Err(TreeError::NameTooLong);
        }
        rest.push(component.to_owned());
    }
    Ok(())
}
