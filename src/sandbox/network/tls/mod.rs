//! TLS for the guest's own connections: the guest moves the bytes, rustls does the cryptography.

mod purpose;
mod verifier;

use super::super::api::tls as contract;
use super::super::state::State;
use contract::{About, Failure, Progress, Settings, Verification};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, Error};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::{Read, Write};
use std::sync::Arc;
use verifier::Trusted;
use wasmtime::component::Resource;

/// How many an instance may have at once; each takes some tens of kilobytes of the host's memory.
const MOST_SESSIONS: usize = 256;
/// Bytes that one call takes.
const MOST_AT_ONCE: usize = 1 << 20;
/// Bytes that may wait for the handshake to end.
const MOST_BEFORE: usize = 64 << 10;
/// Bytes of root certificates, as PEM: all that browsers trust are a quarter of it.
const MOST_ROOTS: usize = 1 << 20;
/// Bytes of a client's certificates and key.
const MOST_IDENTITY: usize = 64 << 10;
/// Names of protocols, and the bytes of one of them (RFC 7301: its length is one byte).
const MOST_PROTOCOLS: usize = 16;
const LONGEST_PROTOCOL: usize = 255;
/// Bytes of a server's name: those of names in the DNS.
const LONGEST_NAME: usize = 255;

/// One connection's TLS, as the guest has it.
#[allow(unreachable_pub)] // the generated bindings name it
pub struct Session {
    connection: ClientConnection,
    /// Why nothing more can be received.
    broken: Option<Error>,
}

/// An instance's TLS connections.
#[derive(Default)]
pub(in super::super) struct Sessions {
    open: usize,
    trusted: Trusted,
}

impl contract::Host for State {
    fn open(&mut self, settings: Settings) -> wasmtime::Result<Result<Resource<Session>, String>> {
        if !self.reach.is_anywhere() {
            return Ok(Err("no connections are allowed: see snapfunc.outbound in host.json".into()));
        }
        if self.tls.open >= MOST_SESSIONS {
            return Ok(Err(format!("an instance can have {MOST_SESSIONS} TLS connections at once")));
        }
        match Session::open(&settings, &mut self.tls.trusted) {
            Ok(session) => {
                let session = self.table_mut().push(session)?;
                self.tls.open += 1;
                Ok(Ok(session))
            }
            Err(message) => Ok(Err(message)),
        }
    }
}

impl contract::HostSession for State {
    fn receive(&mut self, session: Resource<Session>, bytes: Vec<u8>) -> wasmtime::Result<Result<Progress, Failure>> {
        Ok(self.table_mut().get_mut(&session)?.receive(&bytes))
    }

    fn send(&mut self, session: Resource<Session>, plain: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        Ok(self.table_mut().get_mut(&session)?.send(&plain))
    }

    fn close(&mut self, session: Resource<Session>) -> wasmtime::Result<Vec<u8>> {
        let session = self.table_mut().get_mut(&session)?;
        session.connection.send_close_notify();
        Ok(session.reply())
    }

    fn about(&mut self, session: Resource<Session>) -> wasmtime::Result<About> {
        Ok(self.table_mut().get(&session)?.about())
    }

    fn drop(&mut self, session: Resource<Session>) -> wasmtime::Result<()> {
        self.table_mut().delete(session)?;
        self.tls.open = self.tls.open.saturating_sub(1);
        Ok(())
    }
}

// === impl Session ===

impl Session {
    fn open(settings: &Settings, trusted: &mut Trusted) -> Result<Session, String> {
        check(settings)?;
        let name = settings.server_name.as_deref().filter(|name| !name.is_empty());
        let name = match (name, settings.verification) {
            (Some(name), _) => ServerName::try_from(name.to_owned()).map_err(|_| format!("{name:?} is no name of a server"))?,
            (None, Verification::Name) => return Err("check_hostname requires server_hostname".into()),
            // None is sent then: an address is no name.
            (None, _) => ServerName::IpAddress(std::net::IpAddr::from([0, 0, 0, 0]).into()),
        };
        let provider = Arc::new(ring::default_provider());
        let versions: Vec<_> = [(settings.tls12, &rustls::version::TLS12), (settings.tls13, &rustls::version::TLS13)]
            .into_iter()
            .filter_map(|(wanted, version)| wanted.then_some(version))
            .collect();
        if versions.is_empty() {
            return Err("no version of TLS is left: there are 1.2 and 1.3".into());
        }
        let verifier = trusted.verifier(settings, provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).map_err(|error| error.to_string())?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity(&settings.identity)? {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?,
        };
        config.alpn_protocols = settings.protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        // Each session has a configuration of its own: tickets for others would be kept for nobody, half a megabyte of them.
        config.resumption = Resumption::disabled();
        config.enable_sni = settings.server_name.as_deref().is_some_and(|name| !name.is_empty());
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
        connection.set_buffer_limit(Some(MOST_BEFORE));
        Ok(Session { connection, broken: None })
    }

    /// What was good before something went wrong is handed over; then nothing more comes, and the next call says why.
    fn receive(&mut self, mut bytes: &[u8]) -> Result<Progress, Failure> {
        if bytes.len() > MOST_AT_ONCE {
            return Err(self.failure(&Error::General(format!("a piece of more than {MOST_AT_ONCE} bytes"))));
        }
        if let Some(error) = self.broken.clone() {
            return Err(self.failure(&error));
        }
        let (mut plain, mut closed) = (Vec::new(), false);
        while !bytes.is_empty() && self.broken.is_none() {
            match self.connection.read_tls(&mut bytes) {
                // The peer has said that it ends: what follows is nobody's.
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => self.broken = Some(Error::General(error.to_string())),
            }
            match self.connection.process_new_packets() {
                Ok(state) => closed |= state.peer_has_closed(),
                Err(error) => self.broken = Some(error),
            }
            // It ends with an error when there is no more for now; what it has read by then is there.
            let _ = self.connection.reader().read_to_end(&mut plain);
        }
        let handshaking = self.connection.is_handshaking();
        if !handshaking {
            // `reply` leaves nothing there: it is one call's at most.
            self.connection.set_buffer_limit(Some(2 * MOST_AT_ONCE));
        }
        match self.broken.clone() {
            Some(error) if plain.is_empty() => Err(self.failure(&error)),
            broken => Ok(Progress { plain, reply: self.reply(), handshaking, closed: closed || broken.is_some() }),
        }
    }

    fn send(&mut self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let written = if plain.len() > MOST_AT_ONCE {
            Err(Error::General(format!("a piece of more than {MOST_AT_ONCE} bytes")))
        } else {
            let full = || Error::General(format!("at most {MOST_BEFORE} bytes can wait for the end of the handshake"));
            self.connection.writer().write_all(plain).map_err(|_| full())
        };
        written.map_err(|error| self.failure(&error))?;
        Ok(self.reply())
    }

    /// What the peer must get.
    fn reply(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        while self.connection.wants_write() && self.connection.write_tls(&mut reply).is_ok() {}
        reply
    }

    fn failure(&mut self, error: &Error) -> Failure {
        Failure { certificate: matches!(error, Error::InvalidCertificate(_)), message: error.to_string(), reply: self.reply() }
    }

    fn about(&self) -> About {
        let suite = self.connection.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
        About {
            version: self.connection.protocol_version().map(|version| format!("{version:?}").replace('_', ".")),
            cipher: suite.replace("TLS13_", "TLS_"),
            protocol: self.connection.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            certificates: self.connection.peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.to_vec()).collect(),
        }
    }
}

/// What a session keeps of its settings is bounded.
fn check(settings: &Settings) -> Result<(), String> {
    let bounded = |what: &str, length: usize, most: usize| {
        if length > most { Err(format!("{what} has {length} bytes: at most {most} can be used")) } else { Ok(()) }
    };
    bounded("the set of root certificates", settings.roots.len(), MOST_ROOTS)?;
    bounded("the client's chain of certificates", settings.identity.len(), MOST_IDENTITY)?;
    bounded("the server's name", settings.server_name.as_ref().map_or(0, String::len), LONGEST_NAME)?;
    if settings.protocols.len() > MOST_PROTOCOLS {
        return Err(format!("{} protocols are offered: there can be {MOST_PROTOCOLS}", settings.protocols.len()));
    }
    settings.protocols.iter().try_for_each(|protocol| bounded("the name of a protocol", protocol.len(), LONGEST_PROTOCOL))
}

fn identity(pem: &[u8]) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, String> {
    if pem.is_empty() {
        return Ok(None);
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|_| "the certificate is no PEM")?;
    let key =
        PrivateKeyDer::from_pem_slice(pem).map_err(|_| "there is no private key that can be read: it must be PEM without a password")?;
    Ok(Some((chain, key)))
}

#[cfg(test)]
mod tests;
