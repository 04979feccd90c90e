//! Makes the engine's epoch advance, so that a guest which computes gives way to others and can be stopped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::Engine;

/// How long a guest computes before others get a turn.
const TICK: Duration = Duration::from_millis(5);

/// A thread that ticks while guests run and sleeps while none does.
#[derive(Debug)]
pub(super) struct Ticker {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

/// Keeps the ticker going as long as it lives.
#[derive(Debug)]
pub(super) struct Turn(Arc<AtomicUsize>);

// === impl Ticker ===

impl Ticker {
    /// Starts the thread. It ends when the ticker is gone.
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let running = Arc::new(AtomicUsize::new(0));
        let (weak, engine) = (Arc::downgrade(&running), engine.weak());
        let handle = thread::Builder::new().name("epochs".into()).spawn(move || tick(&weak, &engine))?;
        Ok(Ticker { running, thread: handle.thread().clone() })
    }

    /// To be held while a guest runs.
    pub(super) fn turn(&self) -> Turn {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Turn(self.running.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Wakes the thread after the count is gone, or it would sleep on; a wake-up just before is harmless: it looks again within a second.
        self.thread.unpark();
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn tick(running: &Weak<AtomicUsize>, engine: &wasmtime::EngineWeak) {
    while let (Some(count), Some(engine)) = (running.upgrade(), engine.upgrade()) {
        if count.load(Ordering::Acquire) == 0 {
            drop((count, engine));
            // An `unpark` between the check and here makes this return at once.
            thread::park_timeout(Duration::from_secs(1));
        } else {
            engine.increment_epoch();
            drop((count, engine));
            thread::sleep(TICK);
        }
    }
}
