//! `snapfunc packages`: the packages of requirements.txt, which `start` and `build` install too.

use super::progress::Shown;
use crate::app::LogLevel;
use crate::host::console::Console;
use crate::packages::{Packages, PackagesError, Progress, REQUIREMENTS, State};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use std::cell::Cell;
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What to do with an app's packages.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Install what requirements.txt asks for into .python_packages of the app, for the Python that runs it.
    Install(Install),
}

/// The flags of `install`.
#[derive(Debug, Args)]
pub(super) struct Install {
    /// The app's folder [default: the current folder]
    #[arg(value_name = "DIR")]
    app: Option<PathBuf>,

    /// Install even if requirements.txt has not changed since the last time
    #[arg(long)]
    force: bool,
}

/// Shows what an installation does.
struct Steps(Shown);

// === impl Command ===

impl Command {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Command::Install(install) = self;
        install.run()
    }
}

// === impl Install ===

impl Install {
    fn run(self) -> anyhow::Result<ExitCode> {
        let root = match self.app {
            Some(app) => std::path::absolute(app).context("the app's folder has no path")?,
            None => env::current_dir().context("the current folder is gone")?,
        };
        let console = Arc::new(Console::new(Default::default(), Default::default()));
        let Some(packages) = Packages::of(&root)? else {
            bail!("{} has no {REQUIREMENTS}: give the folder of an app that has one", root.display());
        };
        match packages.state() {
            State::Current if !self.force => {
                console.host(LogLevel::Information, &format!("the packages of {REQUIREMENTS} are installed already"));
            }
            State::NothingWanted => {
                console.host(LogLevel::Information, &format!("{REQUIREMENTS} asks for nothing that is not built in"));
            }
            _ => install(&packages, &console)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Steps ===

impl Progress for Steps {
    fn step(&self, what: &str) {
        self.0.step(what);
    }
}

/// Whether packages are installed at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Installing {
    /// Where that is due.
    Wanted,
    /// No: the app goes on with what is there.
    Unwanted,
    /// No, and an app whose packages are not there is refused.
    Refused,
}

/// Installs the packages of the app in a folder if that is due and wanted; whether it was.
///
/// Not where a virtual environment is active and the app has no packages of its own: then its packages are used.
pub(super) fn ensure(root: &Path, installing: Installing, console: &Arc<Console>) -> anyhow::Result<bool> {
    let packages = match Packages::of(root) {
        Ok(Some(packages)) => packages,
        Ok(None) => return Ok(false),
        Err(error) if installing == Installing::Unwanted => {
            console.host(LogLevel::Warning, &format!("{REQUIREMENTS} was not looked at: {error}"));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    match (packages.state(), installing) {
        (State::Missing, _) if is_in_environment() => return Ok(false),
        (State::Missing | State::Outdated, Installing::Wanted) => {}
        (State::Missing | State::Outdated, Installing::Refused) => bail!(
            "the packages of {REQUIREMENTS} are not installed, and serve installs none, as that may run their code on this machine: \
             `snapfunc packages install {}` does it, `--build` does it here, and `--no-build` goes on without them",
            root.display()
        ),
        (State::Outdated, Installing::Unwanted) => {
            console.host(LogLevel::Warning, &format!("the packages of the app are not those that {REQUIREMENTS} asks for"));
            return Ok(false);
        }
        (State::Foreign, Installing::Wanted) => {
            let text =
                format!(".python_packages was not installed by snapfunc and is used as it is: delete it to have {REQUIREMENTS} installed");
            console.host(LogLevel::Information, &text);
            return Ok(false);
        }
        _ => return Ok(false),
    }
    install(&packages, console).context("the app's packages are not there (--no-build goes on without them)")?;
    Ok(true)
}

/// Tells, once for each change, that an app that is served asks for other packages now: they are installed at a start alone. `told` is whether it
/// was.
pub(super) fn tell_outdated(root: &Path, told: &Cell<bool>, console: &Console) {
    // What is wrong with the file is told at the next start.
    let Ok(Some(packages)) = Packages::of(root) else { return };
    let outdated = match packages.state() {
        State::Missing => !is_in_environment(),
        State::Outdated => true,
        _ => false,
    };
    if outdated && !told.get() {
        let text = format!("{REQUIREMENTS} asks for packages that are not installed: start again to have them installed");
        console.host(LogLevel::Warning, &text);
    }
    told.set(outdated);
}

fn is_in_environment() -> bool {
    env::var_os("VIRTUAL_ENV").is_some_and(|folder| !folder.is_empty())
}

fn install(packages: &Packages, console: &Arc<Console>) -> anyhow::Result<()> {
    let steps = Steps(Shown::new(console.clone()));
    steps.0.begin(&format!("installing the packages of {REQUIREMENTS}"));
    let installed = packages.install(&steps);
    steps.0.end();
    let installed = installed.map_err(|error: PackagesError| anyhow::Error::new(error))?;
    for note in &installed.notes {
        console.host(LogLevel::Warning, note);
    }
    console.host(LogLevel::Information, &format!("installed {} of {REQUIREMENTS}", counted(installed.count)));
    Ok(())
}

fn counted(packages: usize) -> String {
    if packages == 1 { "1 package".to_owned() } else { format!("{packages} packages") }
}
