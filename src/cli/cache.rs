//! Where compiled artefacts are kept.

use anyhow::Context;
use etcetera::BaseStrategy;
use std::path::PathBuf;

/// `SNAPFUNC_CACHE_DIR`, else `snapfunc` in the user's cache folder (XDG's on Unix).
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("SNAPFUNC_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return std::path::absolute(PathBuf::from(folder)).context("SNAPFUNC_CACHE_DIR names no folder");
    }
    let base = etcetera::choose_base_strategy().context("no cache folder is known (is HOME set?): set SNAPFUNC_CACHE_DIR to one")?;
    Ok(base.cache_dir().join("snapfunc"))
}
