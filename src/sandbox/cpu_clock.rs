//! How long a thread has computed.

use std::time::Duration;

/// A thread's clock, for other threads to read.
#[derive(Debug)]
pub(super) struct CpuClock(#[cfg(target_os = "linux")] Option<libc::clockid_t>, #[cfg(not(target_os = "linux"))] std::time::Instant);

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
impl CpuClock {
    /// The clock of the thread that calls this.
    pub(super) fn of_this_thread() -> Self {
        let mut clock = 0;
        // SAFETY: the thread is the one that calls, so it lives; the pointer is to room for a clock's number.
        let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock) };
        CpuClock((error == 0).then_some(clock))
    }

    /// How long the thread has computed so far. Nothing, where it has ended or the system does not tell.
    pub(super) fn now(&self) -> Duration {
        let Some(clock) = self.0 else { return Duration::ZERO };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to room for a time. A clock whose thread has ended is an error, and the time stays zero.
        unsafe { libc::clock_gettime(clock, &mut time) };
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }
}

/// Where no thread can read another one's clock, all time counts.
#[cfg(not(target_os = "linux"))]
impl CpuClock {
    /// See above.
    pub(super) fn of_this_thread() -> Self {
        CpuClock(std::time::Instant::now())
    }

    /// See above.
    pub(super) fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
