//! Where an app's data is kept that must last: its own storage account.

use anyhow::Context;
use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};

/// What belongs to an app on this machine.
#[derive(Debug)]
pub(super) struct AppData {
    /// A folder for it alone, which need not exist.
    pub(super) folder: PathBuf,
    /// Names it; letters and digits.
    pub(super) id: String,
}

// === impl AppData ===

impl AppData {
    /// Of the app in a folder or bundle, by its place: the same folder has the same data. It is in the folder that `SNAPFUNC_DATA_DIR` names, else in
    /// `snapfunc` in the user's folder for data (XDG's on Unix).
    pub(super) fn of(source: &Path) -> anyhow::Result<AppData> {
        let base = match std::env::var_os("SNAPFUNC_DATA_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => std::path::absolute(PathBuf::from(folder)).context("SNAPFUNC_DATA_DIR names no folder")?,
            None => {
                let strategy = etcetera::choose_base_strategy();
                let strategy = strategy.context("no folder for data is known (is HOME set?): set SNAPFUNC_DATA_DIR to one")?;
                strategy.data_dir().join("snapfunc")
            }
        };
        let place = source.canonicalize().with_context(|| format!("{} can't be found", source.display()))?;
        let id = blake3::hash(place.as_os_str().as_encoded_bytes()).to_hex()[..32].to_owned();
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The name is for people; the digest tells folders of one name apart.
        let name: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).take(40).collect();
        Ok(AppData { folder: base.join("apps").join(format!("{name}-{}", &id[..8])), id })
    }

    /// Its keys: in the folder that `SNAPFUNC_SECRETS_DIR` names, else beside the rest.
    pub(super) fn secrets(&self) -> PathBuf {
        let named = std::env::var_os("SNAPFUNC_SECRETS_DIR").filter(|folder| !folder.is_empty());
        named.map_or_else(|| self.folder.join("secrets"), PathBuf::from)
    }

    /// Its own storage account.
    pub(super) fn storage(&self) -> PathBuf {
        self.folder.join("storage")
    }
}
