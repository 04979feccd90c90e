//! Whether HTTPS is spoken, and with which certificate.

use crate::host::tls::Tls;
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

/// The flags, those of Core Tools.
#[derive(Debug, Args)]
pub(super) struct Https {
    /// Speak HTTPS: with the certificate of --cert, else with one that is made for the run and that clients have to be told to trust
    #[arg(long, alias = "useHttps")]
    use_https: bool,

    /// A certificate and its private key: a PKCS #12 file (.pfx) or a PEM file
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,

    /// The password of a PKCS #12 file; in the environment it is not seen by who lists processes
    #[arg(long, value_name = "TEXT", env = "SNAPFUNC_CERT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

// === impl Https ===

impl Https {
    /// What connections are made secure with; nothing for HTTP.
    pub(super) fn tls(&self) -> anyhow::Result<Option<Tls>> {
        match &self.cert {
            Some(_) if !self.use_https => bail!("--cert needs --use-https: without it, everything would be sent in clear text"),
            Some(cert) => Ok(Some(Tls::from_file(cert, self.password.as_deref().unwrap_or_default())?)),
            None if self.use_https => Ok(Some(Tls::self_signed()?)),
            None => Ok(None),
        }
    }

    /// Whether the certificate is one that is made for the run.
    pub(super) fn is_self_signed(&self) -> bool {
        self.use_https && self.cert.is_none()
    }
}
