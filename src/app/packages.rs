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
    let Some((_, environment)) = active else { return (None, left_out) };
    match inside(folder.root(), Path::new(environment)) {
        Some(environment) => {
            let leads_out =
                || format!("{environment} leads out of the app's folder, so its packages are not used: install them into the app");
            match site_packages(&InApp { folder, environment: &environment }) {
                Ok(found) => (found.map(|found| folder.root().join(&environment).join(found)), left_out),
                Err(FileError::Outside { .. }) => (None, Some(leads_out())),
                Err(error) => (None, Some(format!("the app's packages are not used: {error}"))),
            }
        }
        None => {
            let environment = std::path::absolute(environment).unwrap_or_else(|_| PathBuf::from(environment));
            // What can't be looked at has no packages.
            (site_packages(&OnMachine(&environment)).ok().flatten().map(|found| environment.join(found)), left_out)
        }
    }
}

/// Where a path is in the app's folder, if whoever wrote it meant something in there: whether a link leads out of it again is to be seen.
fn inside(root: &Path, path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|above| {
        let found = above.canonicalize().ok()?;
        let (inside, rest) = (found.strip_prefix(root).ok()?, path.strip_prefix(above).ok()?);
        inside.components().chain(rest.components()).collect::<PathBuf>().to_str().map(str::to_owned)
    })
}

/// A virtual environment, which is looked at where it is.
trait Environment {
    /// The names in its folder `lib`.
    fn libraries(&self) -> Result<Vec<String>, FileError>;
    /// Whether it has a folder.
    fn has(&self, folder: &str) -> Result<bool, FileError>;
}

/// One in the app's folder: whoever wrote the app may have put anything there.
struct InApp<'a> {
    folder: &'a Folder,
    environment: &'a str,
}

/// One that the user has made.
struct OnMachine<'a>(&'a Path);

impl Environment for InApp<'_> {
    fn libraries(&self) -> Result<Vec<String>, FileError> {
        let lib = self.path("lib");
        if self.folder.kind(&lib)? == Kind::Folder { self.folder.names(&lib) } else { Ok(Vec::new()) }
    }

    fn has(&self, folder: &str) -> Result<bool, FileError> {
        Ok(self.folder.kind(&self.path(folder))? == Kind::Folder)
    }
}

impl InApp<'_> {
    fn path(&self, below: &str) -> String {
        if self.environment.is_empty() { below.to_owned() } else { format!("{}/{below}", self.environment) }
    }
}

impl Environment for OnMachine<'_> {
    fn libraries(&self) -> Result<Vec<String>, FileError> {
        let entries = self.0.join("lib").read_dir().into_iter().flatten().flatten();
        Ok(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn has(&self, folder: &str) -> Result<bool, FileError> {
        Ok(self.0.join(folder).is_dir())
    }
}

/// A virtual environment's folder of packages: `lib/python3.11/site-packages`, or `Lib/site-packages` on Windows. Of several Pythons the
/// newest.
fn site_packages(environment: &impl Environment) -> Result<Option<String>, FileError> {
    let mut found: Vec<(u32, String)> = Vec::new();
    for name in environment.libraries()? {
        let Some(version) = name.strip_prefix("python") else { continue };
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
        found.push((minor.unwrap_or(0), format!("lib/{name}/site-packages")));
    }
    found.push((0, "Lib/site-packages".to_owned()));
    found.sort();
    for (_, folder) in found.into_iter().rev() {
        if environment.has(&folder)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}
