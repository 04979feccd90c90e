//! Where functions may connect to: the entries of host.json's `snapfunc.outbound` and of `--allow-outbound`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;

/// One entry: `https://api.example.com`, `tcp://db.internal:5432`, `*.example.org:443`, `10.0.0.0/8:5432`, `https://*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    host: Place,
    /// `None`: all ports, written `*`.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Whatever has a public address.
    Any,
    Name(String),
    /// All names below this one, which begins with a dot.
    Below(String),
    Network {
        address: IpAddr,
        prefix: u8,
    },
}

/// A text is no destination. The sentence goes on after the field's or the flag's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{EXPECTED}, not {text:?}: {reason}")]
pub struct DestinationError {
    text: String,
    reason: &'static str,
}

const EXPECTED: &str =
    "must hold destinations like `https://api.example.com`, `tcp://db.internal:5432`, `*.example.org:443` or `10.0.0.0/8:5432`";

// === impl DestinationError ===

impl DestinationError {
    /// The sentence without the text, which may be a secret.
    pub(super) fn without_text(&self) -> String {
        format!("{EXPECTED}: {}", self.reason)
    }
}

// === impl Destination ===

impl Destination {
    /// Whether it names a host by this name, whose addresses may then be asked for.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match &self.host {
            Place::Any => true,
            Place::Name(known) => *known == name,
            Place::Below(end) => name.len() > end.len() && name.ends_with(end.as_str()),
            Place::Network { .. } => false,
        }
    }

    /// The name of its one host, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Place::Name(name) => Some(name),
            Place::Any | Place::Below(_) | Place::Network { .. } => None,
        }
    }

    /// Whether it names this address itself; `localhost` names those of the loopback.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match &self.host {
            Place::Network { address: network, prefix } => within(address, *network, *prefix),
            Place::Name(name) => name == "localhost" && address.is_loopback(),
            Place::Any | Place::Below(_) => false,
        }
    }

    /// Whether it stands for every public address.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.host == Place::Any
    }

    /// Whether it has this port.
    #[must_use]
    pub fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|known| known == port)
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        parse(text.trim()).map_err(|reason| DestinationError { text: text.to_owned(), reason })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Place::Any => f.write_str("*")?,
            Place::Name(name) => f.write_str(name)?,
            Place::Below(end) => write!(f, "*{end}")?,
            Place::Network { address: IpAddr::V4(address), prefix: 32 } => write!(f, "{address}")?,
            Place::Network { address: IpAddr::V6(address), prefix: 128 } => write!(f, "[{address}]")?,
            Place::Network { address: IpAddr::V4(address), prefix } => write!(f, "{address}/{prefix}")?,
            Place::Network { address: IpAddr::V6(address), prefix } => write!(f, "[{address}]/{prefix}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

fn parse(text: &str) -> Result<Destination, &'static str> {
    let (default, rest) = match text.split_once("://") {
        None => (None, text),
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "https" => (Some(443), rest.strip_suffix('/').unwrap_or(rest)),
            "http" => (Some(80), rest.strip_suffix('/').unwrap_or(rest)),
            "tcp" => (None, rest),
            _ => return Err("the scheme must be https, http or tcp"),
        },
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains([']', '/']) => (host, Some(port)),
        _ => (rest, None),
    };
    let port = match port {
        Some("*") => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0).ok_or("the port must be a number from 1 to 65535, or `*`")?),
        None => Some(default.ok_or("the port is missing")?),
    };
    Ok(Destination { host: place(host)?, port })
}

fn place(host: &str) -> Result<Place, &'static str> {
    if host == "*" {
        return Ok(Place::Any);
    }
    let (address, prefix) = host.split_once('/').map_or((host, None), |(address, prefix)| (address, Some(prefix)));
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    if let Ok(address) = bare.parse::<IpAddr>() {
        if address.is_ipv6() && bare.len() == host.len() {
            return Err("an IPv6 address stands in brackets");
        }
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= most).ok_or("the network's length is beyond the address's")?,
        };
        // An address that is written in IPv6 and means one of IPv4 is that one.
        return match address.to_canonical() {
            canonical if canonical == address || prefix == most => {
                Ok(Place::Network { address: canonical, prefix: if canonical.is_ipv4() { prefix.min(32) } else { prefix } })
            }
            _ => Err("a network of mapped addresses is written as one of IPv4"),
        };
    }
    if prefix.is_some() {
        return Err("a destination has no path, and only an address has a network's length");
    }
    let (name, below) = host.strip_prefix("*.").map_or((host, false), |name| (name, true));
    let is_label =
        |label: &str| !label.is_empty() && label.len() < 64 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !name.split('.').all(is_label) {
        return Err("that is no name of a host");
    }
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err("that is no address");
    }
    let name = name.to_ascii_lowercase();
    Ok(if below { Place::Below(format!(".{name}")) } else { Place::Name(name) })
}

fn within(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn destination(text: &str) -> Destination {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn forms() {
        for (text, shown) in [
            ("https://api.example.com", "api.example.com:443"),
            ("https://API.example.com/", "api.example.com:443"),
            ("http://x:8080", "x:8080"),
            ("tcp://db.internal:5432", "db.internal:5432"),
            ("*.example.org:443", "*.example.org:443"),
            ("https://*", "*:443"),
            ("*:*", "*:*"),
            ("10.0.0.5:443", "10.0.0.5:443"),
            ("10.0.0.0/8:5432", "10.0.0.0/8:5432"),
            ("[::1]:9000", "[::1]:9000"),
            ("tcp://[fd00::]/8:*", "[fd00::]/8:*"),
            ("[::ffff:10.0.0.5]:443", "10.0.0.5:443"),
        ] {
            assert_eq!(destination(text).to_string(), shown, "{text}");
            assert_eq!(destination(shown), destination(text), "{text}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, reason) in [
            ("", "the port is missing"),
            ("example.com", "the port is missing"),
            ("ftp://example.com", "the scheme must be https, http or tcp"),
            ("tcp://example.com", "the port is missing"),
            ("https://example.com/path", "a destination has no path, and only an address has a network's length"),
            ("https://user@example.com", "that is no name of a host"),
            ("a.*.org:443", "that is no name of a host"),
            ("example.com:0", "the port must be a number from 1 to 65535, or `*`"),
            ("example.com:99999", "the port must be a number from 1 to 65535, or `*`"),
            ("10.0.0.0/33:1", "the network's length is beyond the address's"),
            ("10.0.0:1", "that is no address"),
            ("::1:9000", "an IPv6 address stands in brackets"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap_err().reason, reason, "{text}");
        }
    }

    #[test]
    fn names_and_addresses() {
        let below = destination("*.example.org:443");
        assert!(below.names("a.example.org") && below.names("A.B.Example.org."));
        assert!(!below.names("example.org") && !below.names("badexample.org") && !below.names("example.org.evil"));
        let network = destination("10.0.0.0/8:1");
        assert!(network.holds("10.255.0.1".parse().unwrap()) && !network.holds("11.0.0.1".parse().unwrap()));
        assert!(!network.names("10.0.0.1"));
        assert!(destination("0.0.0.0/0:1").holds("1.2.3.4".parse().unwrap()));
        let local = destination("http://localhost:8080");
        assert!(
            local.holds("127.0.0.1".parse().unwrap()) && local.holds("::1".parse().unwrap()) && !local.holds("10.0.0.1".parse().unwrap())
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9*./:\\[\\]@-]{0,40}|\\PC{0,20}") {
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert_eq!(destination.to_string().parse::<Destination>(), Ok(destination));
            }
        }
    }
}
