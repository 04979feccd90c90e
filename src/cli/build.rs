//! `snapfunc build`: puts an app, loaded and warmed up, in one file.

use super::packages::{self, Installing};
use super::source::Source;
use super::staging::Staged;
use super::start::{Mode, Place, SecondWall};
use crate::app::{IGNORED, LogLevel, ReadOptions};
use crate::host::console::Console;
use crate::host::{self, Built};
use anyhow::{Context, bail};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime;

/// The flags.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// The app's folder [default: the current folder]
    #[arg(value_name = "DIR")]
    app: Option<PathBuf>,

    /// The file to make [default: the folder's name with `.snap`, in the current folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Don't install the packages of requirements.txt
    #[arg(long)]
    no_build: bool,
}

// === impl Build ===

impl Build {
    /// Loads the app without any setting, and writes the file.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let source = Source::find(self.app.as_ref())?;
        let mut app = source.read(ReadOptions::default())?;
        let output = match self.output {
            Some(output) => output,
            None => PathBuf::from(app.root.file_name().context("the app's folder has no name: name the file with --output")?)
                .with_extension("snap"),
        };
        let console = Arc::new(Console::new(app.host.log_levels.clone(), app.host.snapfunc.logs));
        let installing = if self.no_build { Installing::Unwanted } else { Installing::Wanted };
        if let Some(folder) = source.folder()
            && packages::ensure(folder, installing, &console)?
        {
            app = source.read(ReadOptions::default())?;
        }
        let staged = source.folder().map(Staged::of).transpose()?.flatten();
        if let Some(staged) = &staged {
            app = source.copied(staged.root()).read(ReadOptions::default())?;
            let text = format!("{IGNORED} leaves out {} files and folders of the app", staged.left_out);
            console.host(LogLevel::Information, &text);
        }
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("the threads can't be started")?;
        let place = Place {
            console: console.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: source.data()?,
            mode: Mode {
                enforce_keys: false,
                watch: false,
                home_page: false,
                production: false,
                wall: SecondWall::None,
                json: false,
                installing,
            },
        };
        let built = runtime.block_on(async { anyhow::Ok(host::build(app, &place.around().await?).await?) });
        let Built { template, broken } = built?;
        if !broken.is_empty() {
            bail!("nothing was built: {} can't be loaded (see above)", broken.join(", "));
        }
        template.bundle(&output)?;
        let bytes = output.metadata().map_or(0, |metadata| metadata.len());
        let text = format!("built {} ({:.1} MB): `snapfunc start {0}` runs it", output.display(), bytes as f64 / 1e6);
        console.host(LogLevel::Information, &text);
        Ok(ExitCode::SUCCESS)
    }
}
