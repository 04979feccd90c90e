//! The command line: one file a command. Reads flags, prints, exits; what it starts lives in the other modules.

mod build;
mod cache;
mod data;
mod diagnostics;
mod functions_list;
mod logs;
mod progress;
mod reload;
mod source;
mod start;
mod stop;
mod storage;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Runs Azure Functions Python apps, unchanged, inside WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "snapfunc", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start an app and serve it.
    Start(start::Start),
    /// Put an app, loaded and warmed up, in one file that `start` runs without its sources.
    Build(build::Build),
    /// Look into an app's storage: queues, messages, blobs.
    Storage(storage::Storage),
    /// The same commands under the name that Azure Functions Core Tools have for them.
    #[command(subcommand)]
    Host(HostCommand),
}

#[derive(Debug, Subcommand)]
enum HostCommand {
    /// Start an app and serve it.
    Start(start::Start),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    diagnostics::start();
    let result = match command {
        Command::Start(start) | Command::Host(HostCommand::Start(start)) => start.run(),
        Command::Build(build) => build.run(),
        Command::Storage(storage) => storage.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}error:{:#} {error:#}", ERROR, ERROR);
            ExitCode::FAILURE
        }
    }
}

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
