//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a host has a use for where nobody says more: its connections twice over (see `host/server.rs`), and its instances' files and connections.
const ENOUGH: u64 = 65_536;

/// Raises the soft limit, which systems set for programs that can't deal with large numbers of descriptors, as far as the hard one allows and as there is a
/// use for. `connections` is how many clients there may be. What can't be raised stays: the host makes do.
pub(super) fn raise(connections: u32) {
    let wanted = ENOUGH.max(4 * u64::from(connections));
    let limits = getrlimit(Resource::Nofile);
    let possible = limits.maximum.map_or(wanted, |most| most.min(wanted));
    if limits.current.is_some_and(|current| current < possible)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum: limits.maximum })
    {
        tracing::debug!(%error, "the limit of descriptors can't be raised");
    }
}
