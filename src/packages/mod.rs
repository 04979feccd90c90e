//! The packages of an app's requirements.txt: installed with the machine's pip, for the guest's Python, into `.python_packages` of the app.
//!
//! This room writes into `.python_packages` and runs the machine's Python; nothing else of the program does. It doesn't print: [`Progress`] is
//! told what happens, and [`Installed`] holds what a user should know.
//!
//! - `requirements`: what requirements.txt and the files that it includes ask for; [`State`]: whether anything is to be done.
//! - `install`: pip installs into a folder beside the old one, and the two are swapped when it is whole. `python` finds pip, `pip` runs it and
//!   reads what it says.
//! - `purity`: no native code can be loaded in the sandbox. Of each package that has some, `policy` knows whether it works without, or what to
//!   use instead; of one that nobody knows, a pure wheel is looked for or made.
//! - `stamp`: what was installed, so that nothing is done, and no network needed, while requirements.txt stays as it is.

mod error;
mod guest;
mod install;
mod pip;
mod policy;
mod purity;
mod python;
mod requirements;
mod stamp;
mod stand_in;

pub use error::{Native, PackagesError};
#[cfg(any(test, fuzzing))]
pub(crate) use requirements::fuzzing::requirements as fuzz_requirements;

use crate::app::Folder;
use requirements::Requirements;
use stamp::Stamp;
use std::path::{Path, PathBuf};

/// The file that says which packages an app needs.
pub const REQUIREMENTS: &str = "requirements.txt";
/// Where packages are, below the app's folder.
const FOLDER: &str = ".python_packages";
const SITE_PACKAGES: &str = "lib/site-packages";

/// What an app wants of packages, and the folder that they belong in.
#[derive(Debug)]
pub struct Packages {
    app: Folder,
    /// `.python_packages` in it.
    folder: PathBuf,
    requirements: Requirements,
}

/// Whether the packages are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// None are needed beside what the guest brings along.
    NothingWanted,
    /// They are as requirements.txt has them.
    Current,
    /// There is a folder of packages that somebody else has filled. It is left alone.
    Foreign,
    /// They are to be installed.
    Missing,
    /// They were installed for another requirements.txt, or by another version of this program.
    Outdated,
}

/// What was installed.
#[derive(Debug)]
pub struct Installed {
    /// How many packages.
    pub count: usize,
    /// Sentences for the user: what was left out or chosen, and why.
    pub notes: Vec<String>,
}

/// Is told what happens, as it may take a while.
pub trait Progress {
    /// What is done now, for example `collecting flask`.
    fn step(&self, what: &str);
}

// === impl Packages ===

impl Packages {
    /// What the app in a folder wants; nothing where it has no requirements.txt.
    ///
    /// # Errors
    /// Where requirements.txt, or a file that it includes, can't be read.
    pub fn of(root: &Path) -> Result<Option<Packages>, PackagesError> {
        // Without links in its path, as pip runs in another folder.
        let app = Folder::open(root)?;
        let Some(requirements) = Requirements::read(&app)? else { return Ok(None) };
        Ok(Some(Packages { folder: app.root().join(FOLDER), app, requirements }))
    }

    /// Whether there is something to do.
    #[must_use]
    pub fn state(&self) -> State {
        let (lib, site_packages) = (self.folder.join("lib"), self.folder.join(SITE_PACKAGES));
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        if is_link(&self.folder) || is_link(&lib) || is_link(&site_packages) {
            return State::Foreign;
        }
        match Stamp::read(&self.app) {
            Some(stamp) if stamp.is_for(&self.requirements) && site_packages.is_dir() => State::Current,
            Some(_) => State::Outdated,
            None if site_packages.exists() => State::Foreign,
            None if self.requirements.wants_nothing() => State::NothingWanted,
            None => State::Missing,
        }
    }
}
