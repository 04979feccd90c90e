//! Why a service could not be reached, in a few words for the person who has to do something about it.

use std::error::Error;
use std::io;

/// Looks through what an error is made of. Never has the address in it, which may hold a signature.
pub(super) fn reason(error: &reqwest::Error) -> String {
    if error.is_dns() {
        return "its name can't be resolved".to_owned();
    }
    if error.is_connect() && error.is_timeout() {
        return "nobody answers there within 5 seconds".to_owned();
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(problem)) => return format!("its certificate is not trusted: {problem}"),
            Some(tls) => return format!("TLS fails: {tls}"),
            None => {}
        }
        next = match error.downcast_ref::<io::Error>() {
            // What is inside of an I/O error is not among its sources.
            Some(io) if io.get_ref().is_some() => io.get_ref().map(|inner| -> &(dyn Error + 'static) { inner }),
            Some(io) => return words(io.kind()),
            None => error.source(),
        };
    }
    "the connection broke off".to_owned()
}

/// What to do where nobody listens, as far as that is known: `UseDevelopmentStorage=true`, which editors write into new apps, leads to these places.
pub(super) fn advice(origin: &str) -> &'static str {
    let places = ["http://127.0.0.1:10000", "http://127.0.0.1:10001", "http://127.0.0.1:10002"];
    if places.contains(&origin) {
        " (start Azurite, or set the setting to UseSnapfuncStorage=true for storage of the app's own)"
    } else {
        ""
    }
}

fn words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "there is no way to that network".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;
    use crate::storage::ConnectionString;

    #[test]
    fn who_has_no_emulator_is_told_what_to_do() {
        let connection: ConnectionString = "UseDevelopmentStorage=true".parse().unwrap();
        assert!(connection.endpoints().all(|endpoint| advice(&endpoint.origin).contains("start Azurite")));
        assert_eq!(advice("https://ours.blob.core.windows.net"), "");
    }
}
