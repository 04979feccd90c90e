//! `snapfunc storage`: looks into an app's storage account, and puts things there, from the shell.

mod blobs;
mod queues;

use super::source::Source;
use crate::app::{App, ReadOptions};
use crate::bindings::account::{self, Account, Accounts};
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Looks into an app's storage account.
#[derive(Debug, Args)]
pub(super) struct Storage {
    /// The app's folder or bundle [default: AzureWebJobsScriptRoot, else the current folder]
    #[arg(long, alias = "script-root", value_name = "APP", global = true)]
    app: Option<PathBuf>,

    /// The app setting that names the account
    #[arg(long, value_name = "SETTING", default_value = account::DEFAULT, global = true)]
    connection: String,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the queues, with how many messages each holds
    Queues,
    /// Send a message; the queue is made where it is missing
    Send {
        /// The queue
        queue: String,
        /// The message; `-` reads it from standard input
        text: String,
    },
    /// Show the first messages of a queue, and leave them there
    Peek {
        /// The queue
        queue: String,
        /// How many
        #[arg(short = 'n', long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=32))]
        count: u32,
    },
    /// Delete all messages of a queue
    Clear {
        /// The queue
        queue: String,
    },
    /// List the containers, or the blobs of one
    Blobs {
        /// A container, and with a slash what names of blobs begin with
        #[arg(value_name = "CONTAINER[/PREFIX]")]
        path: Option<String>,
    },
    /// Write a file into a blob; the container is made where it is missing
    Put {
        /// The blob
        #[arg(value_name = "CONTAINER/BLOB")]
        path: String,
        /// The file; `-` is standard input
        file: PathBuf,
    },
    /// Read a blob
    Get {
        /// The blob
        #[arg(value_name = "CONTAINER/BLOB")]
        path: String,
        /// Where to [default: standard output]
        file: Option<PathBuf>,
    },
}

// === impl Storage ===

impl Storage {
    /// Does what the subcommand says.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let source = Source::find(self.app.as_ref())?;
        let app = source.read(ReadOptions::default())?;
        let quota = app.host.snapfunc.storage_bytes();
        let accounts = Accounts::new(Arc::default(), app.settings.clone(), &app.root, &source.data()?.storage(), quota);
        let account = accounts.named(&self.connection).map_err(|problem| anyhow!("--connection {problem}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("the threads can't be started")?;
        runtime.block_on(self.command.run(&account, &app))?;
        Ok(ExitCode::SUCCESS)
    }
}

// === impl Command ===

impl Command {
    async fn run(self, account: &Account, app: &App) -> anyhow::Result<()> {
        let encoding = app.host.queues.message_encoding;
        match self {
            Command::Queues => queues::list(account).await,
            Command::Send { queue, text } => queues::send(account, &queue, text, encoding).await,
            Command::Peek { queue, count } => queues::peek(account, &queue, count, encoding).await,
            Command::Clear { queue } => queues::clear(account, &queue).await,
            Command::Blobs { path } => blobs::list(account, path.as_deref()).await,
            Command::Put { path, file } => blobs::put(account, &path, &file).await,
            Command::Get { path, file } => blobs::get(account, &path, file.as_deref()).await,
        }
    }
}
