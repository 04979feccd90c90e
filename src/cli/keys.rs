//! `snapfunc keys`: shows and changes an app's keys. A running host takes changes over within a second.

use super::source::Source;
use crate::host::keys::{Key, Keys as KeyStore, Scope, is_master};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Shows and changes an app's keys.
#[derive(Debug, Args)]
pub(super) struct Keys {
    /// The app's folder or bundle [default: AzureWebJobsScriptRoot, else the current folder]
    #[arg(long, alias = "script-root", value_name = "APP", global = true)]
    app: Option<PathBuf>,

    /// The keys of this function rather than the host's
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "system")]
    function: Option<String>,

    /// The keys of extensions rather than the host's
    #[arg(long, global = true)]
    system: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List keys; without --function and --system the master key and the host's
    List {
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Set a key, `master` too; without a value a random one is made
    Set {
        /// Its name
        name: String,
        /// Its value
        value: Option<String>,
    },
    /// Give a key that is there a new random value
    Rotate {
        /// Its name
        name: String,
    },
    /// Delete a key
    Delete {
        /// Its name
        name: String,
    },
}

// === impl Keys ===

impl Keys {
    /// Does what the subcommand says.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let store = KeyStore::new(Source::find(self.app.as_ref())?.data()?.secrets());
        let scope = match self.function {
            Some(function) => Scope::Function(function),
            None if self.system => Scope::System,
            None => Scope::Host,
        };
        match self.command {
            Command::List { json } => {
                let mut keys = if scope == Scope::Host { vec![store.master()?] } else { Vec::new() };
                keys.extend(store.list(&scope)?);
                show(&keys, json);
            }
            Command::Set { name, value } => {
                if value.as_deref() == Some("") {
                    bail!("a key can't be empty: leave the value out for a random one");
                }
                show(&[store.set(&scope, &name, value.as_deref())?.0], false);
            }
            Command::Rotate { name } => {
                let is_known = (scope == Scope::Host && is_master(&name))
                    || store.list(&scope)?.iter().any(|key| key.name.eq_ignore_ascii_case(&name));
                if !is_known {
                    bail!("there is no key {name}: `snapfunc keys set {name}` makes one");
                }
                show(&[store.set(&scope, &name, None)?.0], false);
            }
            Command::Delete { name } => store.delete(&scope, &name)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(keys: &[Key], as_json: bool) {
    if as_json {
        let all: serde_json::Map<_, _> = keys.iter().map(|key| (key.name.clone(), json!(key.value))).collect();
        return anstream::println!("{}", serde_json::Value::Object(all));
    }
    for key in keys {
        anstream::println!("{}\t{}", key.name, key.value);
    }
}
