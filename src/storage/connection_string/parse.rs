//! How a connection string is read.

use super::{ConnectionString, ConnectionStringError, Credential, DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, Endpoint, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use std::str::FromStr;

/// The parts that mean something here. Others (`FileEndpoint` and what may come) are left alone.
const KNOWN: [&str; 10] = [
    "UseDevelopmentStorage",
    "DevelopmentStorageProxyUri",
    "DefaultEndpointsProtocol",
    "AccountName",
    "AccountKey",
    "EndpointSuffix",
    "SharedAccessSignature",
    "BlobEndpoint",
    "QueueEndpoint",
    "TableEndpoint",
];

/// The values of the parts that were given.
struct Parts<'s>(Vec<(&'static str, &'s str)>);

// === impl ConnectionString ===

impl FromStr for ConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = Parts::new(text)?;
        if parts.get("UseDevelopmentStorage").is_some() { development(&parts) } else { account(&parts) }
    }
}

/// An emulator, on this machine or on another.
fn development(parts: &Parts<'_>) -> Result<ConnectionString, ConnectionStringError> {
    if !parts.get("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(ConnectionStringError::NotDevelopment);
    }
    let alone = ["UseDevelopmentStorage", "DevelopmentStorageProxyUri", "DefaultEndpointsProtocol", "EndpointSuffix"];
    if let Some((name, _)) = parts.0.iter().find(|(name, _)| !alone.contains(name)) {
        return Err(ConnectionStringError::BesideDevelopment(name));
    }
    let proxy = "DevelopmentStorageProxyUri";
    let host = parts.get(proxy).unwrap_or("http://127.0.0.1").trim_end_matches('/');
    let at = |service: Service| Endpoint::new(proxy, &format!("{host}:{}/{DEVELOPMENT_ACCOUNT}", service.development_port()));
    Ok(ConnectionString {
        credential: Credential::key(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY)?,
        blob: Some(at(Service::Blob)?),
        queue: Some(at(Service::Queue)?),
        table: Some(at(Service::Table)?),
    })
}

fn account(parts: &Parts<'_>) -> Result<ConnectionString, ConnectionStringError> {
    let name = parts.get("AccountName");
    if name.is_some_and(|name| !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')) {
        return Err(ConnectionStringError::AccountName);
    }
    let has_endpoint = Service::ALL.iter().any(|service| parts.get(service.setting()).is_some());
    // With both, the key is used: it opens all.
    let credential = match (name, parts.get("AccountKey"), parts.get("SharedAccessSignature")) {
        (Some(name), Some(key), _) => Credential::key(name, key)?,
        (None, Some(_), None) => return Err(ConnectionStringError::NoAccountName),
        (None, _, _) if !has_endpoint => return Err(ConnectionStringError::NoAccountName),
        (_, _, Some(signature)) => Credential::signature(signature)?,
        (_, _, None) => return Err(ConnectionStringError::NoCredential),
    };
    let protocol = parts.get("DefaultEndpointsProtocol").unwrap_or("https").to_ascii_lowercase();
    if !["http", "https"].contains(&protocol.as_str()) {
        return Err(ConnectionStringError::Protocol);
    }
    let suffix = parts.get("EndpointSuffix").unwrap_or("core.windows.net");
    let at = |service: Service| match (parts.get(service.setting()), name) {
        (Some(endpoint), _) => Endpoint::new(service.setting(), endpoint).map(Some),
        (None, Some(name)) => {
            let endpoint = Endpoint::new("EndpointSuffix", &format!("{protocol}://{name}.{}.{suffix}", service.word()));
            let has_host_only = endpoint.as_ref().is_ok_and(|endpoint| endpoint.path.is_empty());
            if has_host_only { endpoint.map(Some) } else { Err(ConnectionStringError::EndpointSuffix) }
        }
        (None, None) => Ok(None),
    };
    Ok(ConnectionString { credential, blob: at(Service::Blob)?, queue: at(Service::Queue)?, table: at(Service::Table)? })
}

// === impl Parts ===

impl<'s> Parts<'s> {
    fn new(text: &'s str) -> Result<Self, ConnectionStringError> {
        let mut parts = Vec::new();
        let written = text.split(';').enumerate().map(|(index, part)| (index + 1, part.trim()));
        for (position, part) in written.filter(|(_, part)| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(ConnectionStringError::NoEquals(position))?;
            let Some(name) = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name.trim())) else { continue };
            if value.trim().is_empty() {
                return Err(ConnectionStringError::NoValue(name));
            }
            if parts.iter().any(|(earlier, _)| earlier == name) {
                return Err(ConnectionStringError::Twice(name));
            }
            parts.push((*name, value.trim()));
        }
        if text.trim().is_empty() { Err(ConnectionStringError::Empty) } else { Ok(Parts(parts)) }
    }

    fn get(&self, name: &str) -> Option<&'s str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

// === impl Credential ===

impl Credential {
    fn key(account: &str, key: &str) -> Result<Credential, ConnectionStringError> {
        let key = STANDARD.decode(key).map_err(|_| ConnectionStringError::AccountKey)?;
        Ok(Credential::Key { account: account.to_owned(), key })
    }

    fn signature(text: &str) -> Result<Credential, ConnectionStringError> {
        let query = text.strip_prefix('?').unwrap_or(text);
        let is_query = query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
        let is_signed = query.split('&').any(|pair| pair.strip_prefix("sig=").is_some_and(|signature| !signature.is_empty()));
        if is_query && is_signed { Ok(Credential::Signature(query.to_owned())) } else { Err(ConnectionStringError::SharedAccessSignature) }
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Reads the address that a part gives.
    fn new(setting: &'static str, address: &str) -> Result<Endpoint, ConnectionStringError> {
        if address.contains(['?', '#']) {
            return Err(ConnectionStringError::EndpointQuery(setting));
        }
        let wrong = || ConnectionStringError::Endpoint(setting);
        let uri: Uri = address.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        // What is before an `@` would be a secret that ends up in each error.
        if !["http", "https"].contains(&scheme) || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        // What else there may be, between a bracket and a port for example, leads nowhere.
        let port = authority.port().map(|port| format!(":{}", port.as_str())).unwrap_or_default();
        if authority.as_str() != format!("{}{port}", authority.host()) {
            return Err(wrong());
        }
        Ok(Endpoint { origin: format!("{scheme}://{authority}"), path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Whether it is on this machine.
    pub(in crate::storage) fn is_loopback(&self) -> bool {
        let host = self.origin.parse::<Uri>().ok().and_then(|uri| uri.host().map(|host| host.trim_matches(['[', ']']).to_owned()));
        host.is_some_and(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
    }

    /// Whether it is asked without TLS.
    pub(in crate::storage) fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }
}
