//! Looks at packages that were installed: whose files are native code, and who needs whom.

use super::requirements::normalised;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An installed package: what its folder `*.dist-info` says.
#[derive(Debug)]
pub(super) struct Distribution {
    /// Normalised.
    pub(super) name: String,
    pub(super) version: String,
    /// Whether requirements.txt names it.
    requested: bool,
    /// Names of the packages that it needs; with `true` those that only an extra needs.
    needs: Vec<(String, bool)>,
    /// Its files, from the folder of packages.
    files: Vec<PathBuf>,
}

// === impl Distribution ===

impl Distribution {
    /// Those of a folder of packages, by name.
    pub(super) fn all(site_packages: &Path) -> io::Result<Vec<Distribution>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(site_packages)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "dist-info") {
                found.push(Distribution::read(&path)?);
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn read(info: &Path) -> io::Result<Distribution> {
        let metadata = fs::read(info.join("METADATA"))?;
        let metadata = String::from_utf8_lossy(&metadata);
        let headers = || metadata.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
        let header = |wanted: &str| headers().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map_or("", |(_, value)| value.trim());
        let needs = headers().filter(|(name, _)| name.eq_ignore_ascii_case("Requires-Dist"));
        let record = fs::read(info.join("RECORD"))?;
        Ok(Distribution {
            name: normalised(header("Name")),
            version: header("Version").to_owned(),
            requested: info.join("REQUESTED").exists(),
            needs: needs.map(|(_, needed)| (super::pip::name_of(needed), needed.contains("extra =="))).collect(),
            files: String::from_utf8_lossy(&record).lines().filter_map(file_of).collect(),
        })
    }

    /// Its files that are native code.
    fn natives(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path).filter(|file| is_native(file))
    }

    pub(super) fn is_native(&self) -> bool {
        self.natives().next().is_some()
    }

    /// Whether all of its native modules are there as Python too: compiled from it, to be faster.
    pub(super) fn has_twins(&self, site_packages: &Path) -> bool {
        self.natives().all(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let module = name.split('.').next().unwrap_or_default();
            let twin = |twin: String| site_packages.join(file.with_file_name(twin)).is_file();
            module.ends_with("__mypyc") || twin(format!("{module}.py")) || twin(format!("{module}/__init__.py"))
        })
    }

    /// Deletes its native code.
    pub(super) fn strip(&self, site_packages: &Path) -> io::Result<()> {
        self.delete(site_packages, self.natives())
    }

    /// Deletes all of it.
    pub(super) fn remove(&self, site_packages: &Path) -> io::Result<()> {
        self.delete(site_packages, self.files.iter().map(PathBuf::as_path))
    }

    /// Deletes files, and the folders that are empty then.
    fn delete<'a>(&self, site_packages: &Path, files: impl Iterator<Item = &'a Path>) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for file in files {
            match fs::remove_file(site_packages.join(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => folders.extend(file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned)),
            }
        }
        // The innermost first. Those that hold something stay.
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(site_packages.join(folder));
        }
        Ok(())
    }

    /// The packages that need it; none where requirements.txt names it.
    pub(super) fn needed_by(&self, all: &[Distribution]) -> Vec<String> {
        if self.requested {
            return Vec::new();
        }
        let needing = |of_extra| {
            let needs = move |other: &&Distribution| other.needs.iter().any(|(name, extra)| *name == self.name && *extra == of_extra);
            all.iter().filter(needs).map(|other| format!("{} {}", other.name, other.version)).collect::<Vec<_>>()
        };
        let plainly = needing(false);
        if plainly.is_empty() { needing(true) } else { plainly }
    }
}

/// A line of RECORD is `path,hash,size`. Paths that lead out of the folder are not the packages': scripts.
fn file_of(line: &str) -> Option<PathBuf> {
    let path = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?.0,
        None => line.split(',').next()?,
    };
    let path = Path::new(path);
    path.components().all(|part| matches!(part, std::path::Component::Normal(_))).then(|| path.to_owned())
}

fn is_native(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}
