//! Shows what takes long at the start.

use crate::app::LogLevel;
use crate::host::console::Console;
use crate::sandbox::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
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
}

impl Progress for Shown {
    fn compiling(&self) {
        const WHAT: &str = "compiling the Python runtime for this machine (only the first time)";
        if !io::IsTerminal::is_terminal(&io::stderr()) {
            return self.console.host(LogLevel::Information, WHAT);
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let spinner = ProgressBar::new_spinner().with_style(style).with_message(WHAT);
        spinner.enable_steady_tick(Duration::from_millis(100));
        *self.spinner.lock().unwrap_or_else(PoisonError::into_inner) = Some(spinner);
    }

    fn ready(&self) {
        if let Some(spinner) = self.spinner.lock().unwrap_or_else(PoisonError::into_inner).take() {
            spinner.finish_and_clear();
        }
    }
}
