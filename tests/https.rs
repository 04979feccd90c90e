//! HTTPS: `--use-https`, `--cert`, `--password`, and Strict-Transport-Security.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host, free_port, snapfunc};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertifiedKey, KeyPair};
use reqwest::{Client, ClientBuilder, Response};
use std::fs;
use std::sync::Arc;
use tokio::runtime::{self, Runtime};

const URL_OF_REQUEST: &str = "def main(req):\n    return req.url\n";

fn certificate() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned(), "own.example".to_owned()]).unwrap()
}

fn start(app: &App, arguments: &[&str], environment: &[(&str, &str)]) -> Host {
    let port = free_port();
    let mut command = snapfunc(&[&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())], environment].concat());
    command.args(["start", "--use-https", "--port", &port.to_string()]).args(arguments).arg(app.path());
    let host = Host::spawn_only(command, port);
    host.wait_for_line("(Ctrl-C stops it)");
    host
}

/// A client and what it runs on.
struct Https(Client, Runtime);

impl Https {
    fn new(configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Https {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Https(configure(Client::builder().no_proxy()).build().unwrap(), runtime)
    }

    /// That trusts one certificate only.
    fn trusting(certificate: &CertifiedKey<KeyPair>) -> Https {
        let root = reqwest::Certificate::from_der(certificate.cert.der()).unwrap();
        Https::new(|builder| builder.tls_certs_only([root]).resolve("own.example", ([127, 0, 0, 1], 0).into()))
    }

    fn get(&self, host: &Host, name: &str) -> Result<Response, reqwest::Error> {
        self.1.block_on(self.0.get(format!("https://{name}:{}/api/f", host.port)).send())
    }

    fn text(&self, response: Response) -> String {
        self.1.block_on(response.text()).unwrap()
    }
}

#[test]
fn a_certificate_is_made_where_none_is_given() {
    let app = App::with(URL_OF_REQUEST);
    let host = start(&app, &[], &[]);
    assert!(host.printed().contains(&format!("https://localhost:{}/api/f", host.port)), "{}", host.printed());
    let anybody = Https::new(|builder| builder.tls_danger_accept_invalid_certs(true));
    let answer = anybody.get(&host, "localhost").unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(anybody.text(answer), format!("https://localhost:{}/api/f", host.port));
    // Nobody trusts it unasked, and it does not answer in clear text.
    assert!(Https::new(|builder| builder).get(&host, "localhost").is_err());
    assert!(host.try_request("GET", "/api/f", &[], b"").is_err());
    assert_eq!(anybody.get(&host, "127.0.0.1").unwrap().status(), 200);
}

#[test]
fn http_2_is_spoken_where_it_is_asked_for() {
    let (app, certificate) = (App::with("def main(req):\n    return req.method + req.get_body().decode()\n"), certificate());
    let file = app.data().join("cert.pem");
    fs::write(&file, certificate.cert.pem() + &certificate.signing_key.serialize_pem()).unwrap();
    let host = start(&app, &["--cert", file.to_str().unwrap()], &[]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let mut config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", host.port)).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::post(format!("https://localhost:{}/api/f", host.port)).body(()).unwrap();
        let (answer, mut body) = client.ready().await.unwrap().send_request(request, false).unwrap();
        body.send_data("body".into(), true).unwrap();
        let mut answer = answer.await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
        answer.body_mut().data().await.unwrap().unwrap()
    });
    assert_eq!(answer, "POSTbody");
}

#[test]
fn a_pem_file_and_strict_transport_security() {
    let (app, certificate) =
        (App::with(URL_OF_REQUEST).host_json(r#""extensions": {"http": {"hsts": {"isEnabled": true, "maxAge": "10"}}}"#), certificate());
    let file = app.data().join("cert.pem");
    fs::write(&file, certificate.cert.pem() + &certificate.signing_key.serialize_pem()).unwrap();
    let host = start(&app, &["--cert", file.to_str().unwrap()], &[]);
    let client = Https::trusting(&certificate);
    assert_eq!(client.get(&host, "localhost").unwrap().headers().get("strict-transport-security"), None);
    assert_eq!(client.get(&host, "own.example").unwrap().headers()["strict-transport-security"], "max-age=864000");
    let plain = app.start();
    assert_eq!(plain.request("GET", "/api/f", &[("Host", "own.example")], b"").header("strict-transport-security"), None);
}

#[test]
fn a_pfx_file_and_its_password() {
    let (app, certificate) = (App::with(URL_OF_REQUEST), certificate());
    let chain = PrivateKeyChain::new(
        b"1".as_slice(),
        PrivateKey::from_der(&certificate.signing_key.serialize_der()).unwrap(),
        [Certificate::from_der(certificate.cert.der()).unwrap()],
    );
    let mut store = KeyStore::new();
    store.add_entry("own", KeyStoreEntry::PrivateKeyChain(chain));
    let file = app.data().join("cert.pfx");
    fs::write(&file, store.writer("a secret").write().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let client = Https::trusting(&certificate);
    assert_eq!(client.get(&start(&app, &["--cert", file, "--password", "a secret"], &[]), "localhost").unwrap().status(), 200);
    assert_eq!(client.get(&start(&app, &["--cert", file], &[("SNAPFUNC_CERT_PASSWORD", "a secret")]), "localhost").unwrap().status(), 200);
    let output = app.run_to_end(&["--useHttps", "--cert", file, "--password", "another"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("the password does not fit") && !told.contains("another"), "{told}");
}

#[test]
fn what_can_not_be_used_is_told() {
    let (app, own, other) = (App::with(URL_OF_REQUEST), certificate(), certificate());
    let file = app.data().join("cert");
    let file = file.to_str().unwrap();
    let told = |content: &str, arguments: &[&str]| {
        fs::write(file, content).unwrap();
        let output = app.run_to_end(arguments);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    for (content, expected) in [
        ("hello", "is neither a PKCS #12 file (.pfx) nor a PEM file".to_owned()),
        (&own.cert.pem(), "holds no private key".to_owned()),
        (&own.signing_key.serialize_pem(), "holds no certificate".to_owned()),
        (&(own.cert.pem() + &other.signing_key.serialize_pem()), "can't be used: ".to_owned()),
    ] {
        let told = told(content, &["--use-https", "--cert", file]);
        assert!(told.contains(&format!("--cert: {file} {expected}")), "{told}");
    }
    assert!(told("", &["--cert", file]).contains("--cert needs --use-https"));
    assert!(told("", &["--use-https", "--cert", "/nowhere.pfx"]).contains("--cert: /nowhere.pfx can't be read"));
}
