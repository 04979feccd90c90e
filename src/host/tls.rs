//! HTTPS: the certificate that the host shows, and the handshake.
//!
//! A certificate is a file as Core Tools take it (`--cert`: PKCS #12, with `--password`) or PEM with its key. Without one it is made anew for the run, for this
//! machine's names, and signed by itself: clients have to be told to trust it.

use p12_keystore::{Certificate, Pkcs12Archive};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// What a certificate that is made here is for.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What connections are made secure with.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    fingerprint: String,
}

/// Why HTTPS is not to be had.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file can't be read.
    #[error("--cert: {} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Its password does not fit.
    #[error("--cert: {} can't be opened: the password does not fit, or the file is damaged (--password says it)", .0.display())]
    Password(PathBuf),
    /// It is neither form.
    #[error("--cert: {} is neither a PKCS #12 file (.pfx) nor a PEM file", .0.display())]
    Form(PathBuf),
    /// It lacks a certificate or a key.
    #[error("--cert: {} holds no {missing}: a certificate and its private key are needed", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is not in it.
        missing: &'static str,
    },
    /// The key is of another certificate, or of no known kind.
    #[error("--cert: {} can't be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: rustls::Error,
    },
    /// No certificate could be made.
    #[error("a certificate for this machine can't be made")]
    Make(#[from] rcgen::Error),
    /// It can't be used.
    #[error("the certificate that was made for this machine can't be used")]
    Made(#[source] rustls::Error),
}

/// The chain, the server's own first, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

// === impl Tls ===

impl Tls {
    /// With a certificate that is made for the run.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn self_signed() -> Result<Tls, TlsError> {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(LOCAL_NAMES.map(str::to_owned))?;
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        Tls::new((vec![cert.der().clone()], key.into())).map_err(TlsError::Made)
    }

    /// With the certificate of a file.
    ///
    /// # Errors
    /// Where the file does not hold one and its key, or the password does not fit.
    pub fn from_file(path: &Path, password: &str) -> Result<Tls, TlsError> {
        let content = std::fs::read(path).map_err(|error| TlsError::Read { path: path.to_owned(), error })?;
        let identity = match content.first() {
            // A DER sequence.
            Some(0x30) => from_pkcs12(path, &content, password)?,
            _ => from_pem(path, &content)?,
        };
        Tls::new(identity).map_err(|error| TlsError::Unusable { path: path.to_owned(), error })
    }

    fn new((chain, key): Identity) -> Result<Tls, rustls::Error> {
        let fingerprint = fingerprint(chain.first().map_or(&[], |own| own.as_ref()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = config.with_safe_default_protocol_versions()?.with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint })
    }

    /// SHA-256 of the certificate, in hexadecimal: what a client that pins it compares.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Makes a client's connection secure.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        tokio::time::timeout(HANDSHAKE_LIMIT, self.acceptor.accept(stream)).await?
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

fn from_pkcs12(path: &Path, content: &[u8], password: &str) -> Result<Identity, TlsError> {
    let archive = Pkcs12Archive::from_pkcs12(content, password).map_err(|_| TlsError::Password(path.to_owned()))?;
    let missing = |missing| TlsError::Missing { path: path.to_owned(), missing };
    let key = archive.keys.first().ok_or_else(|| missing("private key"))?;
    let id = key.local_key_id.as_ref().map(|id| &id.0);
    let own = archive.certs.iter().position(|bag| id.is_some() && bag.local_key_id.as_ref() == id).unwrap_or(0);
    let mut chain: Vec<_> = archive.certs.iter().map(|bag| der(&bag.cert)).collect();
    if chain.is_empty() {
        return Err(missing("certificate"));
    }
    chain[..=own].rotate_right(1);
    Ok((chain, PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()).into()))
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.as_der().to_vec())
}

fn from_pem(path: &Path, content: &[u8]) -> Result<Identity, TlsError> {
    if !content.windows(10).any(|part| part == b"-----BEGIN") {
        return Err(TlsError::Form(path.to_owned()));
    }
    let missing = |missing| TlsError::Missing { path: path.to_owned(), missing };
    let chain = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>().map_err(|_| missing("readable certificate"))?;
    if chain.is_empty() {
        return Err(missing("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(content).map_err(|_| missing("private key that is not encrypted"))?;
    Ok((chain, key))
}

fn fingerprint(certificate: &[u8]) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
