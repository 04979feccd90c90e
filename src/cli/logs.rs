//! How what an app logs is shown.

use crate::app::{HostConfig, LogLevel};
use crate::host::console::Console;
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The flags, those of Core Tools.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// Lowest level shown of what functions log: Trace, Debug, Information, Warning, Error, Critical or None
    #[arg(long, alias = "userLogLevel", value_name = "LEVEL", env = "FUNCTIONS_USER_LOG_LEVEL", hide_env_values = true, value_parser = log_level)]
    user_log_level: Option<LogLevel>,

    /// Write one JSON object a line instead of text
    #[arg(long = "enable-json-output", visible_alias = "json-output", alias = "enableJsonOutput")]
    json_output: bool,

    /// Write JSON to the end of this file; standard output stays as it is
    #[arg(long, alias = "jsonOutputFile", value_name = "FILE")]
    json_output_file: Option<PathBuf>,
}

// === impl Logs ===

impl Logs {
    /// The console of an app; with `json`, whatever the flags.
    pub(super) fn console(&self, host: &HostConfig, json: bool) -> anyhow::Result<Console> {
        let levels = match self.user_log_level {
            Some(level) => host.log_levels.clone().with_user_default(level),
            None => host.log_levels.clone(),
        };
        let console = Console::new(levels, host.snapfunc.logs);
        // With a file, it is the file that is wanted as JSON: so do Core Tools.
        let json = json || (self.json_output && self.json_output_file.is_none());
        let console = if json { console.as_json() } else { console };
        match &self.json_output_file {
            Some(path) => Ok(console.with_json_file(open(path)?)),
            None => Ok(console),
        }
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    let opened = File::options().create(true).append(true).open(path);
    opened.with_context(|| format!("--json-output-file: {} can't be written", path.display()))
}

fn log_level(name: &str) -> Result<LogLevel, String> {
    LogLevel::from_name(name).ok_or_else(|| "one of Trace, Debug, Information, Warning, Error, Critical and None is expected".to_owned())
}
