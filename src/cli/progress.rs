//! Shows what takes long at the start.

use crate::app::LogLevel;
use crate::host::console::Console;
use crate::sandbox::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shows what takes long: a spinner for a person, a line for a program.
pub(super) struct Shown {
    console: Arc<Console>,
    spinner: Mutex<Option<ProgressBar>>,
}

// === impl Shown ===

impl Shown {
    pub(super) fn new(console: Arc<Console>) -> Self {
        Shown { console, spinner: Mutex::default() }
    }

    /// Something begins that takes long.
    pub(super) fn begin(&self, what: &str) {
        if !io::IsTerminal::is_terminal(&io::stderr()) {
            return self.console.host(LogLevel::Information, what);
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let spinner = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(100));
        *self.spinner() = Some(spinner);
    }

    /// A part of it, which only a person is shown.
    pub(super) fn step(&self, what: &str) {
        if let Some(spinner) = self.spinner().as_ref() {
            spinner.set_message(what.to_owned());
        }
    }

    /// It is over.
    pub(super) fn end(&self) {
        if let Some(spinner) = self.spinner().take() {
            spinner.finish_and_clear();
        }
    }

    fn spinner(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.spinner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Shown {
    fn compiling(&self) {
        self.begin("compiling the Python runtime for this machine (only the first time)");
    }

    fn ready(&self) {
        self.end();
    }
}
