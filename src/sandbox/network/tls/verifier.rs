//! Whom a guest's contexts trust, and the check of servers' certificates.

use super::contract::{Settings, Verification};
use super::purpose;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// How many sets of roots an instance may have in use at once: each takes about as much of the host's memory as its certificates.
const MOST_SETS: usize = 16;

/// The sets of roots that an instance's connections trust. A set is read once.
#[derive(Default)]
pub(super) struct Trusted(Vec<(blake3::Hash, Arc<Roots>)>);

/// Who is trusted.
#[derive(Debug)]
struct Roots {
    verifier: Arc<WebPkiServerVerifier>,
    /// Digests of the certificates that the app itself named.
    named: HashSet<blake3::Hash>,
}

/// Checks a server's certificate as far as Python's context asks for.
#[derive(Debug)]
pub(super) struct Verifier {
    verification: Verification,
    roots: Option<Arc<Roots>>,
    provider: Arc<CryptoProvider>,
}

// === impl Trusted ===

impl Trusted {
    pub(super) fn verifier(&mut self, settings: &Settings, provider: Arc<CryptoProvider>) -> Result<Verifier, String> {
        let roots = match settings.verification {
            Verification::Nothing => None,
            Verification::Chain | Verification::Name => Some(self.roots(settings, &provider)?),
        };
        Ok(Verifier { verification: settings.verification, roots, provider })
    }

    fn roots(&mut self, settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Arc<Roots>, String> {
        let mut key = blake3::Hasher::new();
        key.update(&[settings.default_roots.into()]).update(&settings.roots);
        let key = key.finalize();
        if let Some((_, roots)) = self.0.iter().find(|(known, _)| *known == key) {
            return Ok(roots.clone());
        }
        if self.0.len() >= MOST_SETS {
            let idle = self.0.iter().position(|(_, roots)| Arc::strong_count(roots) == 1);
            self.0.remove(
                idle.ok_or_else(|| format!("an instance can have {MOST_SETS} different sets of root certificates in use at once"))?,
            );
        }
        let roots = Arc::new(Roots::read(settings, provider)?);
        self.0.push((key, roots.clone()));
        Ok(roots)
    }
}

// === impl Roots ===

impl Roots {
    fn read(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Roots, String> {
        let (store, named) =
            if settings.roots.is_empty() { (system_roots(), HashSet::new()) } else { read(&settings.roots, settings.default_roots)? };
        let verifier = WebPkiServerVerifier::builder_with_provider(store, provider.clone()).build();
        let verifier = verifier.map_err(|_| "the context trusts nobody: no root certificates were loaded or found on this machine")?;
        Ok(Roots { verifier, named })
    }
}

fn read(pem: &[u8], with_system: bool) -> Result<(Arc<RootCertStore>, HashSet<blake3::Hash>), String> {
    let mut store = if with_system { (*system_roots()).clone() } else { RootCertStore::empty() };
    let mut named = HashSet::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "the root certificates are no PEM")?;
        // The same one twice takes no room.
        if named.insert(blake3::hash(&certificate)) {
            // Some that systems carry are in forms that nobody verifies with any more; OpenSSL passes them over too.
            let _ = store.add(certificate);
        }
    }
    Ok((Arc::new(store), named))
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

// === impl Verifier ===

impl Verifier {
    /// A certificate that the app named as trusted, and that a server shows as its own, needs nobody else to vouch for it (OpenSSL looks for the
    /// server's certificate among the trusted ones first; `X509_V_FLAG_PARTIAL_CHAIN`, which Python's default context sets). webpki wants an authority for
    /// the one and none for the other. It has looked at the times before it says that, but what an authority's certificate is for it has not.
    fn is_named(roots: &Roots, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        let only_role = match error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
            }
            _ => false,
        };
        only_role && roots.named.contains(&blake3::hash(certificate))
    }

    /// What is still to be asked of such a certificate.
    fn check_named(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<ServerCertVerified, Error> {
        if !purpose::is_for_servers(certificate) {
            return Err(Error::InvalidCertificate(CertificateError::InvalidPurpose));
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name).map(|()| ServerCertVerified::assertion())
    }
}

fn is_of_another_name(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
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
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let result = match roots.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if Self::is_named(roots, end_entity, &error) => Self::check_named(end_entity, server_name),
            result => result,
        };
        match result {
            // The name is looked at last, when all else was right.
            Err(error) if self.verification == Verification::Chain && is_of_another_name(&error) => Ok(ServerCertVerified::assertion()),
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
