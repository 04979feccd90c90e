//! Where an app comes from: a folder, or a file that `snapfunc build` made.

use super::cache;
use super::data::AppData;
use crate::app::{App, ReadOptions};
use crate::sandbox::Unpacked;
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// An app's folder, and what is to be known to read it.
#[derive(Debug)]
pub(super) struct Source {
    /// What was named: a folder or a bundle.
    named: PathBuf,
    root: PathBuf,
    /// The process's, with the bundle's own virtual environment.
    environment: Vec<(OsString, OsString)>,
}

// === impl Source ===

impl Source {
    /// The folder or bundle that was named, else the folder that `AzureWebJobsScriptRoot` names, else the current one. A bundle is unpacked.
    pub(super) fn find(named: Option<&PathBuf>) -> anyhow::Result<Source> {
        let from_environment = || env::var_os("AzureWebJobsScriptRoot").filter(|root| !root.is_empty()).map(PathBuf::from);
        let root = match named.cloned().or_else(from_environment) {
            Some(root) => root,
            None => env::current_dir().context("the current folder is gone")?,
        };
        let mut environment: Vec<_> = env::vars_os().collect();
        if !root.is_file() {
            return Ok(Source { named: root.clone(), root, environment });
        }
        let bundle = Unpacked::of(&root, &cache::folder()?)?;
        environment.retain(|(name, _)| name != "VIRTUAL_ENV");
        environment.extend(bundle.virtual_env.map(|folder| ("VIRTUAL_ENV".into(), folder.into_os_string())));
        Ok(Source { named: root, root: bundle.root, environment })
    }

    /// Where the app's data is.
    pub(super) fn data(&self) -> anyhow::Result<AppData> {
        AppData::of(&self.named)
    }

    /// The app's folder, where that is the user's own.
    pub(super) fn folder(&self) -> Option<&Path> {
        (self.named == self.root).then_some(&self.root)
    }

    /// The same app, read from a copy of its folder.
    pub(super) fn copied(&self, root: &Path) -> Source {
        Source { named: self.named.clone(), root: root.to_owned(), environment: self.environment.clone() }
    }

    /// The app as it is now. `options` lack the environment.
    pub(super) fn read(&self, options: ReadOptions) -> anyhow::Result<App> {
        let options = ReadOptions { environment: self.environment.clone(), ..options };
        App::read(&self.root, &options).with_context(|| format!("the app in {} can't start", self.root.display()))
    }
}
