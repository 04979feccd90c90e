//! What of the process's descriptors guests may take.

/// Whether less than three quarters of the descriptors that the process may have are taken: the rest is for the host's files and for clients. The system
/// gives the lowest number that is free, so a new one's number tells.
#[cfg(unix)]
pub(super) fn are_spare() -> bool {
    use std::os::fd::{AsFd, AsRawFd};
    let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current else { return true };
    let Ok(probe) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    u64::try_from(probe.as_raw_fd()).is_ok_and(|number| number < most / 4 * 3)
}

#[cfg(not(unix))]
pub(super) fn are_spare() -> bool {
    true
}
