//! Whether a guest took page faults.
//!
//! A page of a private mapping becomes the mapping's own when it is written for the first time: by a fault, which the kernel counts for the thread that
//! took it (getrusage(2), `ru_minflt` and `ru_majflt`). A guest's memory is written by its own code and by the host's functions that it calls, and both
//! run on the thread that polls the guest. So if the count is the same after each poll as before it, no page became the mapping's own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Shared by an instance, which looks, and its memory, which wants to know.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Faults(Arc<AtomicBool>);

/// A future that notes whether polling it took page faults.
#[derive(Debug)]
pub(in crate::sandbox) struct Watched<F> {
    future: F,
    faults: Faults,
}

// === impl Faults ===

impl Faults {
    /// Watches a future that runs guest code.
    pub(in crate::sandbox) fn watch<F: Future + Unpin>(&self, future: F) -> Watched<F> {
        Watched { future, faults: self.clone() }
    }

    /// Watches a call that runs guest code, or writes to its memory.
    pub(in crate::sandbox) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        if self.any() {
            return call();
        }
        let before = count();
        let result = call();
        if before.is_none() || before != count() {
            self.assume();
        }
        result
    }

    /// Something happened that was not watched: there may have been faults.
    pub(in crate::sandbox) fn assume(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Those so far no longer count.
    pub(in crate::sandbox) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether there may have been any.
    pub(in crate::sandbox) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Watched ===

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let faults = self.faults.clone();
        faults.during(|| Pin::new(&mut self.future).poll(context))
    }
}

/// This thread's page faults so far; nothing where the system does not tell.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn count() -> Option<i64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to room for what the call writes, which is all of it where the call succeeds.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    Some(usage.ru_minflt + usage.ru_majflt)
}

#[cfg(not(target_os = "linux"))]
fn count() -> Option<i64> {
    None
}
