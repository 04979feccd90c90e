//! Installs: into a folder beside the one that is there, which then takes its place.

use super::guest::{self, SDK};
use super::pip::{Failure, LeftOut, Pip, name_of};
use super::policy;
use super::purity::Distribution;
use super::python::Python;
use super::stamp::Stamp;
use super::{Installed, Native, Packages, PackagesError, Progress, SITE_PACKAGES, State, stand_in};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder that is filled, below `.python_packages`. The watcher of apps knows its name.
const STAGING: &str = ".snapfunc-new";
const LOCK: &str = ".snapfunc-lock";
/// Of an app there may be many packages without a pure wheel; each costs another run of pip.
const MOST_BUILT: usize = 20;
const IN_URL: AsciiSet = CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?').add(b'[').add(b']');

const NATIVE: &str = "needs native code, which can't be loaded in the sandbox";
const NO_WHEEL: &str = "has no wheel for Python 3.14, and none can be built of it";
const UNCHECKED: &str = "needs native code, and as requirements.txt has hashes, no other file is taken for it";

/// One installation on its way.
struct Installation<'a> {
    pip: Pip<'a>,
    staging: PathBuf,
    site_packages: PathBuf,
    /// Whether versions are chosen that are known to be pure.
    limited: bool,
    /// Pure wheels in place of what the index would give: lines of a file of constraints.
    replaced: Vec<String>,
    /// The packages for which one was looked for.
    tried: BTreeSet<String>,
}

/// What became of the search for another wheel.
#[derive(PartialEq)]
enum Replaced {
    Yes,
    /// What there is can't be used.
    No,
    /// The index has nothing at all that could be built.
    Unknown,
}

// === impl Packages ===

impl Packages {
    /// Installs what requirements.txt asks for, whatever was there. Nothing changes where that fails. Blocks, for seconds or minutes.
    ///
    /// # Errors
    /// Where there is no Python with pip, where pip fails, and where a package needs native code; or the folder is somebody else's.
    pub fn install(&self, progress: &dyn Progress) -> Result<Installed, PackagesError> {
        if self.state() == State::Foreign {
            return Err(PackagesError::Foreign { folder: self.folder.join(SITE_PACKAGES) });
        }
        let unwritable = |source| PackagesError::Unwritable { folder: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(unwritable)?;
        let lock = open_lock(&self.folder.join(LOCK)).map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        let staging = self.folder.join(STAGING);
        let installed = self.install_in(&staging, progress);
        // What is left of it is removed by the next one otherwise.
        let _ = fs::remove_dir_all(&staging);
        installed
    }

    fn install_in(&self, staging: &Path, progress: &dyn Progress) -> Result<Installed, PackagesError> {
        let unwritable = |source| PackagesError::Unwritable { folder: self.folder.clone(), source };
        let _ = fs::remove_dir_all(staging);
        let site_packages = staging.join(SITE_PACKAGES);
        fs::create_dir_all(&site_packages).map_err(unwritable)?;
        let mut notes: Vec<String> = self.other_sdk().into_iter().collect();
        let mut packages = Vec::new();
        if !self.requirements.wants_nothing() {
            let pip = Pip { python: Python::find()?, requirements: &self.requirements, progress };
            let (staging, site_packages) = (staging.to_owned(), site_packages.clone());
            let mut installation =
                Installation { pip, staging, site_packages, limited: true, replaced: Vec::new(), tried: BTreeSet::new() };
            let left_out = installation.run()?;
            packages = installation.tidy(&left_out).map_err(unwritable)?;
            notes.extend(installation.notes(&packages, &left_out));
        }
        let versions = packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
        let lib = staging.join("lib");
        Stamp::new(&self.requirements, versions).write(&lib).and_then(|()| self.swap(staging, &lib)).map_err(unwritable)?;
        Ok(Installed { count: packages.len(), notes })
    }

    /// The new folder takes the old one's place. Who is interrupted in between finds none, and installs again.
    fn swap(&self, staging: &Path, new: &Path) -> io::Result<()> {
        let lib = self.folder.join("lib");
        match fs::rename(&lib, staging.join("old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(new, lib)
    }

    /// A sentence where another version of the SDK is pinned.
    fn other_sdk(&self) -> Option<String> {
        let own = guest::version(SDK)?;
        let pinned = self.requirements.versions(SDK)?.strip_prefix("==")?;
        (pinned != own).then(|| format!("{SDK} is {own}, which is built in; {pinned} of requirements.txt is not installed"))
    }
}

// === impl Installation ===

impl Installation<'_> {
    /// Has pip install until all that is there is pure, or can be made so.
    fn run(&mut self) -> Result<Vec<LeftOut>, PackagesError> {
        loop {
            let left_out = match self.install() {
                Ok(left_out) => left_out,
                Err(Failure::NothingSuits { requirement, of, text }) if self.may_try(&name_of(&requirement)) => {
                    match self.replace(&name_of(&requirement), &requirement)? {
                        Replaced::Yes => continue,
                        Replaced::No => return Err(PackagesError::Native(vec![native(requirement, of.into_iter().collect(), NO_WHEEL)])),
                        Replaced::Unknown => return Err(PackagesError::Pip(text)),
                    }
                }
                // The versions that were chosen here may not be what the user has pinned.
                Err(Failure::Other(_) | Failure::NothingSuits { .. }) if self.limited => {
                    self.limited = false;
                    continue;
                }
                Err(failure) => return Err(failure.into()),
            };
            let all = self.distributions()?;
            let mut refused = Vec::new();
            let mut replaced = false;
            for package in &all {
                if !package.is_native() || self.works_without(package) {
                    continue;
                }
                let may_try = policy::instead(&package.name).is_none() && self.may_try(&package.name);
                if may_try && self.replace(&package.name, &format!("{}=={}", package.name, package.version))? == Replaced::Yes {
                    replaced = true;
                } else {
                    let why = if may_try || !self.pip.requirements.hashed { NATIVE } else { UNCHECKED };
                    refused.push(native(format!("{} {}", package.name, package.version), package.needed_by(&all), why));
                }
            }
            if !refused.is_empty() {
                return Err(PackagesError::Native(without_consequences(refused)));
            }
            if !replaced {
                return Ok(left_out);
            }
        }
    }

    /// Whether a package's native code may be taken away.
    fn works_without(&self, package: &Distribution) -> bool {
        policy::FAST_PARTS.contains(&package.name.as_str())
            || guest::version(&package.name).is_some_and(|version| version == package.version)
            || package.has_twins(&self.site_packages)
    }

    /// Whether another file may be looked for, of which requirements.txt can have no hash.
    fn may_try(&self, name: &str) -> bool {
        !self.pip.requirements.hashed && !self.tried.contains(name) && self.tried.len() < MOST_BUILT
    }

    /// Finds a wheel that can take the place of what the index gives for a requirement.
    fn replace(&mut self, name: &str, requirement: &str) -> Result<Replaced, PackagesError> {
        self.tried.insert(name.to_owned());
        let folder = self.staging.join("wheels").join(name);
        fs::create_dir_all(&folder).map_err(|error| self.unwritable(error))?;
        let wheel = match self.pip.pure_wheel(requirement, &folder) {
            Ok(Some(wheel)) => wheel,
            Ok(None) => return Ok(Replaced::No),
            Err(Failure::NothingSuits { .. }) => return Ok(Replaced::Unknown),
            Err(failure) => return Err(failure.into()),
        };
        let path = wheel.to_string_lossy().replace('\\', "/");
        let slash = if path.starts_with('/') { "" } else { "/" };
        self.replaced.push(format!("{name} @ file://{slash}{}", utf8_percent_encode(&path, &IN_URL)));
        Ok(Replaced::Yes)
    }

    fn install(&self) -> Result<Vec<LeftOut>, Failure> {
        let constraints = self.staging.join("constraints.txt");
        let limits = policy::LIMITS.iter().filter(|(name, ..)| self.limited && self.is_free(name));
        let lines: Vec<String> =
            limits.map(|(name, versions, _)| format!("{name}{versions}")).chain(self.replaced.iter().cloned()).collect();
        let _ = fs::remove_dir_all(&self.site_packages);
        fs::create_dir_all(&self.site_packages).and_then(|()| fs::write(&constraints, lines.join("\n"))).map_err(Failure::Run)?;
        self.pip.install(&constraints, &self.site_packages)
    }

    /// Whether requirements.txt leaves the version of a package open.
    fn is_free(&self, name: &str) -> bool {
        self.pip.requirements.versions(name).is_none_or(str::is_empty)
    }

    fn distributions(&self) -> Result<Vec<Distribution>, PackagesError> {
        Distribution::all(&self.site_packages).map_err(|error| self.unwritable(error))
    }

    fn unwritable(&self, source: io::Error) -> PackagesError {
        PackagesError::Unwritable { folder: self.staging.clone(), source }
    }

    /// Takes away what is native, and what the guest brings along anyway. Gives what is left.
    fn tidy(&self, left_out: &[LeftOut]) -> io::Result<Vec<Distribution>> {
        let mut packages = Distribution::all(&self.site_packages)?;
        for package in &packages {
            if guest::version(&package.name).is_some_and(|version| version == package.version) {
                package.remove(&self.site_packages)?;
            } else {
                package.strip(&self.site_packages)?;
            }
        }
        packages.retain(|package| guest::version(&package.name).is_none_or(|version| version != package.version));
        // Programs, that nobody can start.
        let _ = fs::remove_dir_all(self.site_packages.join("bin"));
        if left_out.iter().any(|left_out| left_out.package == "cryptography") {
            stand_in::write(&self.site_packages)?;
        }
        Ok(packages)
    }

    /// What a user should know of it.
    fn notes(&self, packages: &[Distribution], left_out: &[LeftOut]) -> Vec<String> {
        let chosen = policy::LIMITS.iter().filter(|(name, ..)| self.limited && self.is_free(name)).filter_map(|(name, _, why)| {
            let package = packages.iter().find(|package| package.name == *name)?;
            Some(format!("{name} {} was chosen, as {why}", package.version))
        });
        let names: BTreeSet<&str> = left_out.iter().map(|left_out| left_out.package.as_str()).collect();
        let left_out = names.into_iter().map(|name| {
            let of: Vec<&str> = left_out.iter().filter(|left_out| left_out.package == name).map(|left_out| left_out.of.as_str()).collect();
            format!("{name} (wanted by {}) was left out, as it is native code: {}", of.join(", "), policy::without(name))
        });
        chosen.chain(left_out).collect()
    }
}

// === impl Failure ===

impl From<Failure> for PackagesError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Run(error) => PackagesError::Run(error),
            Failure::Unreachable => PackagesError::Unreachable,
            Failure::NothingSuits { text, .. } | Failure::Other(text) => PackagesError::Pip(text),
        }
    }
}

/// Opens the file that is locked, or makes it. Whoever wrote the app may have put a link or a pipe there.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}

fn native(package: String, needed_by: Vec<String>, why: &'static str) -> Native {
    let instead = policy::instead(&name_of(&package));
    Native { package, needed_by, why, instead }
}

/// Leaves out packages that only others of the list need.
fn without_consequences(refused: Vec<Native>) -> Vec<Native> {
    let names: Vec<String> = refused.iter().map(|native| native.package.clone()).collect();
    let is_cause = |native: &Native| native.needed_by.is_empty() || native.needed_by.iter().any(|package| !names.contains(package));
    refused.into_iter().filter(is_cause).collect()
}
