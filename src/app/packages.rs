//! Where an app's third-party packages are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::folder::{FileError, Folder, Kind};

/// Where `pip install --target` puts packages for Azure Functions.
const IN_APP: &str = ".python_packages/lib/site-packages";

/// The app's own folder of packages if it has one, else that of the virtual environment that is active (host-contract, "Starting"); and a
/// sentence if one had to be left out.
pub(super) fn find(folder: &Folder, environment: &[(OsString, OsString)]) -> (Option<PathBuf>, Option<String>) {
    let left_out = match folder.kind(IN_APP) {
        Ok(Kind::Folder) => return (Some(folder.root().join(IN_APP)), None),
        Err(FileError::Outside { .. }) => {
            Some(format!("{IN_APP} leads out of the app's folder, so its packages are not used: install them into the app"))
        }
        Ok(_) => None,
        Err(error) => Some(format!("the app's packages are not used: {error}")),
    };
    let active = environment.iter().find(|(name, value)| name == "VIRTUAL_ENV" && !value.is_empty());
    (active.and_then(|(_, path)| site_packages(Path::new(path))), left_out)
}

/// A virtual environment's folder of packages: `lib/python3.11/site-packages`, or `Lib/site-packages` on Windows. Of several Pythons the
/// newest.
fn site_packages(environment: &Path) -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in environment.join("lib").read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(version) = name.to_str().and_then(|name| name.strip_prefix("python")) else { continue };
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        found.push((minor.unwrap_or(0), entry.path().join("site-packages")));
    }
    found.push((0, environment.join("Lib").join("site-packages")));
    found.retain(|(_, path)| path.is_dir());
    let (_, newest) = found.into_iter().max()?;
    std::path::absolute(newest).ok()
}
