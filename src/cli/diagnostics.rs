//! What the program itself does, for whoever looks for a fault in it: on standard error, and only where `SNAPFUNC_LOG` asks for it.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts to write what `SNAPFUNC_LOG` names: `debug`, `snapfunc=trace`, `wasmtime=info`… Nothing without it: the console belongs to the app.
pub(super) fn start() {
    let Ok(filter) = EnvFilter::try_from_env("SNAPFUNC_LOG") else { return };
    let coloured = std::io::stderr().is_terminal();
    // Fails only where a subscriber is set already: then that one writes.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(coloured).try_init();
}
