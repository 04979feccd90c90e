//! Takes over changes of an app while it is served.

use crate::app::{App, LogLevel};
use crate::host::console::Console;
use crate::host::reload::Changes;
use crate::host::{Host, ReplaceError};
use std::convert::Infallible;
use std::path::Path;

/// Begins to watch an app's folder; tells where that can't be.
pub(super) fn watch(root: &Path, console: &Console) -> Option<Changes> {
    let tell = |error: &notify::Error| console.host(LogLevel::Warning, &format!("changes of the app will not be noticed: {error}"));
    Changes::of(root).inspect_err(tell).ok()
}

/// Reads and loads the app anew at each change, as long as it is polled. What is wrong with the new one is told, and the old one goes on.
pub(super) async fn follow(changes: Option<Changes>, host: &Host, read: impl Fn() -> anyhow::Result<App>, console: &Console) -> Infallible {
    let Some(mut changes) = changes else { return std::future::pending().await };
    loop {
        changes.next().await;
        let replaced = match read() {
            Ok(app) => host.replace(app).await,
            Err(error) => Err(ReplaceError::Unreadable(format!("{error:#}"))),
        };
        match replaced {
            Ok(()) => console.host(LogLevel::Information, "the app has changed: its new code is served"),
            Err(error) => console.host(LogLevel::Error, &format!("the app has changed, but the one before is served on: {error}")),
        }
    }
}
