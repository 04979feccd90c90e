use super::*;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection};

/// A server, and its certificate as PEM.
struct Server {
    connection: ServerConnection,
    /// What it was told.
    plain: Vec<u8>,
    pem: Vec<u8>,
}

impl Server {
    /// For `localhost`, signed by itself.
    fn new(change: impl FnOnce(&mut CertificateParams)) -> Server {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Server { connection: ServerConnection::new(Arc::new(config)).unwrap(), plain: Vec::new(), pem: certificate.pem().into() }
    }

    fn authority(params: &mut CertificateParams) {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.connection.read_tls(&mut bytes).unwrap();
            // What the client says is wrong is looked at on its side.
            let _ = self.connection.process_new_packets();
            let _ = self.connection.reader().read_to_end(&mut self.plain);
        }
    }

    fn give(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    fn shake_hands(&mut self, client: &mut Session) -> Result<(), Failure> {
        let mut progress = client.receive(&[])?;
        while progress.handshaking {
            self.take(&progress.reply);
            let answer = self.give();
            assert!(!answer.is_empty(), "each waits for the other");
            progress = client.receive(&answer)?;
        }
        self.take(&progress.reply);
        let rest = self.give();
        client.receive(&rest).map(drop)
    }
}

fn settings(roots: &[u8]) -> Settings {
    Settings {
        server_name: Some("localhost".into()),
        verification: Verification::Name,
        default_roots: false,
        roots: roots.to_vec(),
        identity: Vec::new(),
        protocols: Vec::new(),
        tls12: true,
        tls13: true,
    }
}

fn open(settings: &Settings) -> Session {
    Session::open(settings, &mut Trusted::default()).unwrap()
}

fn refusal(settings: &Settings) -> String {
    Session::open(settings, &mut Trusted::default()).map(|_| "nothing").unwrap_err()
}

#[test]
fn what_waits_for_the_handshake_is_bounded() {
    let mut server = Server::new(|_| {});
    let mut client = open(&settings(&server.pem));
    let hello = client.send(&[1; MOST_BEFORE]).unwrap();
    server.take(&hello);
    assert!(client.send(&[1]).unwrap_err().message.contains("at most 65536 bytes can wait for the end of the handshake"));
    server.shake_hands(&mut client).unwrap();
    assert_eq!(server.plain.len(), MOST_BEFORE, "it goes out after the handshake");
    assert!(client.send(&vec![2; MOST_AT_ONCE]).unwrap().len() > MOST_AT_ONCE);
    assert!(client.send(&vec![2; MOST_AT_ONCE + 1]).is_err());
}

/// What a server gives to be shown to it again is kept nowhere: there is no second session that could show it.
#[test]
fn tickets_are_neither_asked_for_nor_kept() {
    let mut server = Server::new(|_| {});
    let mut client = open(&settings(&server.pem));
    let hello = client.receive(&[]).unwrap().reply;
    // `session_ticket` (RFC 5077), empty: "give me one".
    assert!(!hello.windows(4).any(|bytes| bytes == [0, 35, 0, 0]), "{hello:?}");
    server.take(&hello);
    let answer = server.give();
    let finished = client.receive(&answer).unwrap().reply;
    server.take(&finished);
    let tickets = server.give();
    client.receive(&tickets).unwrap();
    assert!(client.connection.tls13_tickets_received() > 0, "those that come all the same do no harm");
}

#[test]
fn settings_are_bounded() {
    let pem = Server::new(|_| {}).pem;
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings(&pem);
        change(&mut settings);
        settings
    };
    open(&with(|settings| settings.protocols = vec!["x".repeat(255); 16]));
    for (settings, told) in [
        (with(|settings| settings.roots = vec![b'x'; MOST_ROOTS + 1]), "the set of root certificates has 1048577 bytes: at most 1048576"),
        (
            with(|settings| settings.identity = vec![b'x'; MOST_IDENTITY + 1]),
            "the client's chain of certificates has 65537 bytes: at most 65536",
        ),
        (with(|settings| settings.protocols = vec!["x".into(); 17]), "17 protocols are offered: there can be 16"),
        (with(|settings| settings.protocols = vec!["x".repeat(256)]), "the name of a protocol has 256 bytes: at most 255"),
        (with(|settings| settings.server_name = Some("x".repeat(1000))), "the server's name has 1000 bytes: at most 255"),
    ] {
        assert!(refusal(&settings).starts_with(told), "{}", refusal(&settings));
    }
}

#[test]
fn sets_of_roots_are_read_once_and_bounded() {
    let mut trusted = Trusted::default();
    let sets: Vec<_> = (0..17).map(|_| settings(&Server::new(|_| {}).pem)).collect();
    let mut sessions: Vec<_> = sets[..16].iter().map(|settings| Session::open(settings, &mut trusted).unwrap()).collect();
    sessions.extend((0..100).map(|n| Session::open(&sets[n % 16], &mut trusted).unwrap()));
    let error = Session::open(&sets[16], &mut trusted).err().unwrap();
    assert_eq!(error, "an instance can have 16 different sets of root certificates in use at once");
    drop(sessions);
    Session::open(&sets[16], &mut trusted).unwrap();
}

#[test]
fn a_certificate_that_is_named_itself_is_trusted() {
    let refused = |mut server: Server, settings: &Settings| {
        let failure = server.shake_hands(&mut open(settings)).unwrap_err();
        assert!(failure.certificate, "{}", failure.message);
        failure.message
    };
    let mut server = Server::new(Server::authority);
    server.shake_hands(&mut open(&settings(&server.pem))).unwrap();
    // Others are not, nor it for another name, nor before its time or after.
    let (server, other) = (Server::new(Server::authority), Server::new(Server::authority));
    assert!(refused(server, &settings(&other.pem)).contains("invalid peer certificate"));
    let server = Server::new(Server::authority);
    let named = Settings { server_name: Some("example.com".into()), ..settings(&server.pem) };
    assert!(refused(server, &named).contains("not valid for name"));
    let server = Server::new(Server::authority);
    let any_name = Settings { server_name: Some("example.com".into()), verification: Verification::Chain, ..settings(&server.pem) };
    { server }.shake_hands(&mut open(&any_name)).unwrap();
    let server = Server::new(|params| {
        Server::authority(params);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let named = settings(&server.pem);
    assert!(refused(server, &named).contains("expired"));
}

#[test]
fn a_certificate_that_is_named_itself_must_be_for_servers() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    for is_authority in [true, false] {
        let shakes_hands = |purposes: &[ExtendedKeyUsagePurpose]| {
            let mut server = Server::new(|params| {
                if is_authority {
                    Server::authority(params);
                }
                params.extended_key_usages = purposes.to_vec();
            });
            let settings = settings(&server.pem);
            server.shake_hands(&mut open(&settings)).map_err(|failure| failure.message)
        };
        for good in [&[] as &[_], &[ServerAuth], &[ClientAuth, ServerAuth]] {
            shakes_hands(good).unwrap();
        }
        for bad in [&[ClientAuth] as &[_], &[CodeSigning, ClientAuth], &[Any]] {
            let told = shakes_hands(bad).unwrap_err();
            assert!(told.starts_with("invalid peer certificate"), "{bad:?}: {told}");
        }
    }
}

#[test]
fn what_came_before_an_error_is_not_lost() {
    let mut server = Server::new(|_| {});
    let mut client = open(&settings(&server.pem));
    server.shake_hands(&mut client).unwrap();
    server.connection.writer().write_all(b"all is well").unwrap();
    let mut bytes = server.give();
    // A record that nobody can have encrypted.
    bytes.extend([23, 3, 3, 0, 32]);
    bytes.extend([0; 32]);
    let progress = client.receive(&bytes).unwrap();
    assert_eq!((progress.plain.as_slice(), progress.closed), (b"all is well".as_slice(), true));
    assert!(!progress.reply.is_empty(), "the server is told");
    for _ in 0..2 {
        assert!(client.receive(&[]).unwrap_err().message.contains("decrypt"));
    }
}
