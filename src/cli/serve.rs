//! `snapfunc serve`: `start` for production. Keys are asked for, changes of the app's files are not taken over, `GET /` has no page.

use super::start::{Mode, Start};
use clap::Args;
use std::process::ExitCode;

/// The flags: those of `start`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    start: Start,
}

// === impl Serve ===

impl Serve {
    /// Runs until the host was told to stop.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.start.run_as(Mode { enforce_keys: true, watch: false, home_page: false })
    }
}
