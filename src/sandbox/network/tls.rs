//! TLS for the guest's own connections: the guest moves the bytes, rustls does the cryptography.

use super::super::api::tls as contract;
use super::super::state::State;
use contract::{About, Failure, Progress, Settings, Verification};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};
use wasmtime::component::Resource;

/// How many an instance may have at once; each takes some tens of kilobytes of the host's memory.
const MOST_SESSIONS: usize = 256;
/// Bytes that one call takes.
const MOST_AT_ONCE: usize = 1 << 20;

/// One connection's TLS, as the guest has it.
#[allow(unreachable_pub)] // the generated bindings name it
pub struct Session(ClientConnection);

/// Checks a server's certificate as far as Python's context asks for.
#[derive(Debug)]
struct Verifier {
    verification: Verification,
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl contract::Host for State {
    fn open(&mut self, settings: Settings) -> wasmtime::Result<Result<Resource<Session>, String>> {
        if self.sessions >= MOST_SESSIONS {
            return Ok(Err(format!("an instance can have {MOST_SESSIONS} TLS connections at once")));
        }
        match Session::open(&settings) {
            Ok(session) => {
                self.sessions += 1;
                Ok(Ok(self.table_mut().push(session)?))
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
        session.0.send_close_notify();
        Ok(session.reply())
    }

    fn about(&mut self, session: Resource<Session>) -> wasmtime::Result<About> {
        Ok(self.table_mut().get(&session)?.about())
    }

    fn drop(&mut self, session: Resource<Session>) -> wasmtime::Result<()> {
        self.table_mut().delete(session)?;
        self.sessions = self.sessions.saturating_sub(1);
        Ok(())
    }
}

// === impl Session ===

impl Session {
    fn open(settings: &Settings) -> Result<Session, String> {
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
        let verifier = Verifier::new(settings, provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).map_err(|error| error.to_string())?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity(&settings.identity)? {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?,
        };
        config.alpn_protocols = settings.protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config.enable_sni = settings.server_name.as_deref().is_some_and(|name| !name.is_empty());
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
        connection.set_buffer_limit(None);
        Ok(Session(connection))
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<Progress, Failure> {
        if bytes.len() > MOST_AT_ONCE {
            return Err(self.failure(&Error::General(format!("a piece of more than {MOST_AT_ONCE} bytes"))));
        }
        let (mut plain, mut closed) = (Vec::new(), false);
        while !bytes.is_empty() {
            if !matches!(self.0.read_tls(&mut bytes), Ok(1..)) {
                break;
            }
            let state = self.0.process_new_packets().map_err(|error| self.failure(&error))?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            // As many as it has just said.
            let read = self.0.reader().read(&mut plain[start..]).unwrap_or(0);
            plain.truncate(start + read);
            closed |= state.peer_has_closed();
        }
        Ok(Progress { plain, reply: self.reply(), handshaking: self.0.is_handshaking(), closed })
    }

    fn send(&mut self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let written = if plain.len() > MOST_AT_ONCE { Err(Error::General("too much at once".into())) } else { Ok(()) };
        written
            .and_then(|()| self.0.writer().write_all(plain).map_err(|error| Error::General(error.to_string())))
            .map_err(|error| self.failure(&error))?;
        Ok(self.reply())
    }

    /// What the peer must get.
    fn reply(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        while self.0.wants_write() && self.0.write_tls(&mut reply).is_ok() {}
        reply
    }

    fn failure(&mut self, error: &Error) -> Failure {
        Failure { certificate: matches!(error, Error::InvalidCertificate(_)), message: error.to_string(), reply: self.reply() }
    }

    fn about(&self) -> About {
        let suite = self.0.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
        About {
            version: self.0.protocol_version().map(|version| format!("{version:?}").replace('_', ".")),
            cipher: suite.replace("TLS13_", "TLS_"),
            protocol: self.0.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            certificates: self.0.peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.to_vec()).collect(),
        }
    }
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

// === impl Verifier ===

impl Verifier {
    fn new(settings: &Settings, provider: Arc<CryptoProvider>) -> Result<Verifier, String> {
        let inner = match settings.verification {
            Verification::Nothing => None,
            Verification::Chain | Verification::Name => {
                let roots = if settings.roots.is_empty() { system_roots() } else { Arc::new(roots(settings)?) };
                let builder = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
                Some(builder.build().map_err(|_| "the context trusts nobody: no root certificates were loaded or found on this machine")?)
            }
        };
        Ok(Verifier { verification: settings.verification, inner, provider })
    }
}

fn roots(settings: &Settings) -> Result<RootCertStore, String> {
    let mut store = if settings.default_roots { (*system_roots()).clone() } else { RootCertStore::empty() };
    for certificate in CertificateDer::pem_slice_iter(&settings.roots) {
        // Some that systems carry are in forms that nobody verifies with any more; OpenSSL passes them over too.
        let _ = store.add(certificate.map_err(|_| "the root certificates are no PEM")?);
    }
    Ok(store)
}

/// Those of this machine, read once.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(store)
    };
    ROOTS.get_or_init(read).clone()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        let names = |error: &Error| {
            let wrong = [CertificateError::NotValidForName];
            matches!(error, Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
                || matches!(error, Error::InvalidCertificate(error) if wrong.contains(error))
        };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // webpki looks at the name last, when all else was right.
            Err(error) if self.verification == Verification::Chain && names(&error) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
