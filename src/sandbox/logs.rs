//! What guests log and print, on its way to the host's console.

use super::api::Level;
use std::sync::{Arc, Mutex, PoisonError};

/// The invocation that an instance runs at the moment. It comes from the host: a guest can't log in another's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The function's name.
    pub function: String,
    /// The invocation's id.
    pub invocation_id: String,
}

/// One record that a guest handed over.
#[derive(Debug)]
pub struct LogRecord<'a> {
    /// Its severity.
    pub level: Level,
    /// The logger's name, as the guest says; `stdout` and `stderr` for what was printed.
    pub logger: &'a str,
    /// The message: any text, control characters included.
    pub text: &'a str,
    /// What ran; nothing while the app is loaded.
    pub running: Option<&'a Running>,
}

/// Takes the records of an app's instances.
pub trait LogSink: Send + Sync {
    /// Takes one record. Called on the thread that runs the guest, which waits: it must be quick.
    fn record(&self, record: &LogRecord<'_>);
}

/// An instance's way to the sink: adds what runs to what the guest says.
pub(super) struct Outlet {
    sink: Arc<dyn LogSink>,
    running: Mutex<Option<Running>>,
}

impl Outlet {
    pub(super) fn new(sink: Arc<dyn LogSink>) -> Self {
        Outlet { sink, running: Mutex::default() }
    }

    /// Sets what runs from now on.
    pub(super) fn set_running(&self, running: Option<Running>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    pub(super) fn emit(&self, level: Level, logger: &str, text: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.sink.record(&LogRecord { level, logger, text, running: running.as_ref() });
    }
}
