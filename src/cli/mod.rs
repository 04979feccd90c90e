//! The command line: one file a command. Reads flags, prints, exits; what it starts lives in the other modules.

mod build;
mod cache;
mod data;
mod descriptors;
mod diagnostics;
mod functions_list;
mod https;
mod keys;
mod logs;
mod packages;
mod progress;
mod reload;
mod serve;
mod source;
mod staging;
mod start;
mod stop;
mod storage;

use crate::host::console::{cut, printable};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
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
    /// Start an app for production: with keys, without a home page, without watching its files.
    Serve(serve::Serve),
    /// Show and change an app's keys.
    Keys(keys::Keys),
    /// Look into an app's storage: queues, messages, blobs.
    Storage(storage::Storage),
    /// Install an app's packages; `start` and `build` do that too, when requirements.txt has changed.
    #[command(subcommand)]
    Packages(packages::Command),
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
    let command = Cli::parse_from(joined(std::env::args_os())).command;
    diagnostics::start();
    let result = match command {
        Command::Start(start) | Command::Host(HostCommand::Start(start)) => start.run(),
        Command::Build(build) => build.run(),
        Command::Serve(serve) => serve.run(),
        Command::Keys(keys) => keys.run(),
        Command::Storage(storage) => storage.run(),
        Command::Packages(packages) => packages.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // What an app calls its files and exceptions is part of some.
            anstream::eprintln!("{}error:{:#} {}", ERROR, ERROR, printable(&cut(&format!("{error:#}"), LONGEST_ERROR)));
            ExitCode::FAILURE
        }
    }
}

/// The arguments, with `--language-worker -- VALUE` as one: so Core Tools take a value that looks like flags.
fn joined(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.peekable();
    let mut joined = Vec::new();
    while let Some(mut argument) = arguments.next() {
        if argument == "--language-worker" && arguments.next_if(|next| next == "--").is_some() {
            argument.push("=");
            argument.push(arguments.next().unwrap_or_default());
        }
        joined.push(argument);
    }
    joined
}

/// An error that is longer, in bytes, is cut off.
const LONGEST_ERROR: usize = 64 << 10;

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
