//! The object `snapfunc.http`: what clients may cost.

use super::super::fields::Node;
use super::super::origin::FieldError;
use std::time::Duration;

/// What clients may cost the host, beside what Azure's `extensions.http` limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Connections at a time: `maxConnections`, 1 to 1,000,000. Default 4,096. Half of the descriptors that the process may open are the most anyway. One more takes
    /// the place of one that waits for a request; where all have requests under way, it waits until one has none.
    pub connections: u32,
    /// How long a request's headers may take to arrive, and a connection may rest between requests: `headerTimeout`. Default 30 seconds.
    pub header_timeout: Duration,
    /// In what time a client must send enough of a body, or take enough of a response: 240 bytes a second, and so much of what is in memory that all of it
    /// would have moved within an hour. `stallTimeout`, default 30 seconds.
    pub stall_timeout: Duration,
    /// Bytes of requests' bodies that are held at a time, and of responses' as many again: `maxBodiesMb`, 1 to 1,048,576 MiB. Default 1 GiB. A request beyond them
    /// is answered with 503.
    pub bodies_bytes: u64,
}

impl Default for ClientLimits {
    fn default() -> Self {
        let timeout = Duration::from_secs(30);
        ClientLimits { connections: 4096, header_timeout: timeout, stall_timeout: timeout, bodies_bytes: 1 << 30 }
    }
}

impl ClientLimits {
    /// Reads the `snapfunc.http` object.
    pub(super) fn read(node: &Node<'_>) -> Result<ClientLimits, FieldError> {
        let mut limits = ClientLimits::default();
        for (key, value) in node.members().into_iter().filter(|(_, value)| !value.value().is_null()) {
            match key.to_ascii_lowercase().as_str() {
                "maxconnections" => limits.connections = u32::try_from(value.integer(1, 1_000_000)?).unwrap_or(u32::MAX),
                "headertimeout" => limits.header_timeout = timeout(&value)?,
                "stalltimeout" => limits.stall_timeout = timeout(&value)?,
                "maxbodiesmb" => limits.bodies_bytes = value.integer(1, 1 << 20)?.unsigned_abs() << 20,
                _ => {
                    let known = "is not an option of snapfunc.http: there are maxConnections, headerTimeout, stallTimeout and maxBodiesMb";
                    return Err(value.error(known));
                }
            }
        }
        Ok(limits)
    }
}

fn timeout(node: &Node<'_>) -> Result<Duration, FieldError> {
    let timeout = node.duration()?;
    if timeout < Duration::from_secs(1) {
        return Err(node.error("must be at least one second (`00:00:01`)"));
    }
    Ok(timeout)
}
