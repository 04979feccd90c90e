//! `snapfunc serve`: `start` for production. Keys are asked for, changes of the app's files are not taken over, `GET /` has no page, logs are JSON,
//! no packages are installed, and on Linux the process gives up what a server has no use for.

use super::packages::Installing;
use super::start::{Mode, SecondWall, Start};
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// The flags: those of `start`, and:
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    start: Start,

    /// How logs are written: one JSON object a line, or text as `start` does
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Json)]
    logs: Form,

    /// Don't limit what the process itself may do (seccomp and Landlock, on Linux)
    #[arg(long)]
    no_wall: bool,

    /// Don't start where any part of that limit is not to be had: else a warning says what is missing
    #[arg(long, conflicts_with = "no_wall")]
    require_wall: bool,

    /// Install the packages of requirements.txt where they are not: may run their code on this machine, with your rights
    #[arg(long, conflicts_with = "no_build")]
    build: bool,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Json,
    Text,
}

// === impl Serve ===

impl Serve {
    /// Runs until the host was told to stop.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let wall = self.wall();
        self.start.run_as(Mode {
            enforce_keys: true,
            watch: false,
            home_page: false,
            production: true,
            wall,
            json: self.logs == Form::Json,
            installing: if self.build { Installing::Wanted } else { Installing::Refused },
        })
    }

    fn wall(&self) -> SecondWall {
        match (self.no_wall, self.require_wall) {
            (true, _) => SecondWall::None,
            (false, true) => SecondWall::Whole,
            (false, false) => SecondWall::Possible,
        }
    }
}
