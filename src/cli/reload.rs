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
    let mut changes = changes;
    loop {
        let why = tokio::select! {
            () = next(changes.as_mut()) => "the app has changed: its new code is served",
            () = host.restarted() => "the app was loaded anew",
        };
        let replaced = match read() {
            Ok(app) => host.replace(app).await,
            Err(error) => Err(ReplaceError::Unreadable(format!("{error:#}"))),
        };
        match replaced {
            Ok(()) => console.host(LogLevel::Information, why),
            Err(error) => console.host(LogLevel::Error, &format!("the app has changed, but the one before is served on: {error}")),
        }
    }
}

async fn next(changes: Option<&mut Changes>) {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}
