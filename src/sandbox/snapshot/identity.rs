//! What makes an app the same app, and its packages the same packages.

use super::content::Entry;
use super::{Content, open_regular};
use crate::sandbox::base::DIGEST;
use crate::sandbox::template::Spec;
use blake3::Hasher;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};

/// Beyond these an app is loaded anew at each start: looking at all of its files would take as long.
pub(in crate::sandbox) const MOST_BYTES: u64 = 1 << 30;
/// See above: files and links.
pub(in crate::sandbox) const MOST_FILES: usize = 50_000;

/// Bytes of a Python file: of a larger one, each change may be one of what is imported.
const LARGEST_CODE: u64 = 1 << 20;

/// A digest by which something is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Identity(String);

/// What identifies an app, and the packages in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Identities {
    /// Of the app's files, of its functions and of the guest.
    pub(in crate::sandbox) app: Identity,
    /// Of its packages' files and the guest, and of what their import may depend on beside: its folder, its other files, the names of those with Python code of
    /// its own, and the lines in which they import something, but not the rest of them. Nothing where it has no packages.
    pub(in crate::sandbox) packages: Option<Identity>,
}

/// What counts of an app beside its files, as texts.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Description {
    app: String,
    packages: String,
}

// === impl Description ===

impl Description {
    /// Of the guest, too.
    pub(in crate::sandbox) fn of(spec: &Spec) -> Description {
        // Debug text holds every field; its form changes only with the program, and then the guest's digest does.
        let common = format!("{DIGEST} {:?} {:?}", spec.package_paths, spec.log_level);
        let functions = (&spec.functions, &spec.entry_file);
        Description { app: format!("{common} {functions:?}"), packages: format!("{common} {:?}", spec.root) }
    }

    /// One for a test.
    #[cfg(test)]
    pub(super) fn new(app: &str) -> Description {
        Description { app: app.to_owned(), packages: String::new() }
    }
}

// === impl Identities ===

impl Identities {
    /// Of an app as its files are now; nothing where there is too much of them. Reads all: blocks the thread.
    pub(in crate::sandbox) fn of(description: &Description, content: &Content) -> io::Result<Option<Identities>> {
        let [mut app, mut packages] = [&description.app, &description.packages].map(|description| {
            let mut hasher = Hasher::new();
            hasher.update(&description.len().to_le_bytes()).update(description.as_bytes());
            hasher
        });
        let (mut left, mut files, mut of_packages, mut imports) = (MOST_BYTES, 0, false, BTreeSet::new());
        for entry in content.entries() {
            let entry = entry?;
            files += 1;
            if files > MOST_FILES {
                return Ok(None);
            }
            let is_of_packages = content.is_of_packages(&entry);
            of_packages |= is_of_packages;
            let may_import = !is_of_packages && entry.kind.is_file() && entry.name.extension().is_some_and(|extension| extension == "py");
            let Some((digest, bytes)) = digest(&entry, left, may_import.then_some(&mut imports))? else { return Ok(None) };
            left -= bytes;
            app.update(digest.as_bytes());
            if may_import && bytes <= LARGEST_CODE {
                packages.update(entry.name.as_os_str().as_encoded_bytes()).update(&[0]);
            } else {
                packages.update(digest.as_bytes());
            }
        }
        for line in imports {
            packages.update(&line.len().to_le_bytes()).update(&line);
        }
        let [app, packages] = [app, packages].map(|hasher| Identity(hasher.finalize().to_hex().to_string()));
        Ok(Some(Identities { app, packages: of_packages.then_some(packages) }))
    }
}

/// Of an entry's name and content, and how many bytes that has; nothing where they are more than `most`. Lines that import go to `imports`.
fn digest(entry: &Entry, most: u64, imports: Option<&mut BTreeSet<Vec<u8>>>) -> io::Result<Option<(blake3::Hash, u64)>> {
    let mut hasher = Hasher::new();
    hasher.update(entry.name.as_os_str().as_encoded_bytes()).update(&[0]);
    if entry.kind.is_symlink() {
        // Never followed: what it leads to is in the app and looked at there, or nothing that the app can read.
        let target = fs::read_link(&entry.path)?;
        hasher.update(b"link").update(target.as_os_str().as_encoded_bytes());
        return Ok(Some((hasher.finalize(), 0)));
    }
    hasher.update(b"file");
    let head = hasher.count();
    let mut file = open_regular(&entry.path)?.take(most.saturating_add(1));
    if let Some(imports) = imports {
        let mut code = Vec::new();
        file.by_ref().take(LARGEST_CODE).read_to_end(&mut code)?;
        hasher.update(&code);
        imports.extend(importing(&code).map(<[u8]>::to_vec));
    }
    hasher.update_reader(file)?;
    let bytes = hasher.count() - head;
    Ok((bytes <= most).then(|| (hasher.finalize(), bytes)))
}

/// The lines of Python code that may import something, with those that go on with it.
pub(super) fn importing(code: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut goes_on = false;
    code.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(move |line| {
        let imports = goes_on || memchr::memmem::find(line, b"import").is_some();
        let opens = goes_on || line.contains(&b'(');
        goes_on = imports && (line.ends_with(b"\\") || opens && !line.contains(&b')'));
        imports
    })
}

// === impl Identity ===

impl Identity {
    /// One that was told by somebody else; nothing where it can't be one.
    pub(in crate::sandbox) fn from_name(name: &str) -> Option<Identity> {
        (name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then(|| Identity(name.to_owned()))
    }

    /// As a file's name.
    pub(in crate::sandbox) fn name(&self) -> &str {
        &self.0
    }
}
