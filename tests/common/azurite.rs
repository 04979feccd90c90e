//! Azurite, the emulator of Azure Storage, in the version that `tests/azurite/package.json` names. `make azurite` installs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// As its documentation has it.
pub(crate) const ACCOUNT: &str = "devstoreaccount1";
pub(crate) const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running emulator with nothing in it, on ports of its own of the loopback interface. What it holds is in its memory.
pub(crate) struct Azurite {
    process: Child,
    /// When this closes, the emulator ends: so it does when this program is killed.
    _stays: Option<ChildStdin>,
    ports: [u16; 3],
}

// === impl Azurite ===

impl Azurite {
    /// The one that all tests of this program share. It ends with the program.
    pub(crate) fn shared() -> &'static Azurite {
        static SHARED: OnceLock<Azurite> = OnceLock::new();
        SHARED.get_or_init(Azurite::start)
    }

    /// One of a test's own. Ends when it is dropped.
    pub(crate) fn start() -> Azurite {
        Azurite::start_on([0; 3])
    }

    /// One at certain ports, after another that was there; each of them may be 0, for any that is free.
    pub(crate) fn start_on([blobs, queues, tables]: [u16; 3]) -> Azurite {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join("target/azurite/node_modules/azurite/dist/src/azurite.js");
        assert!(program.exists(), "the storage tests need Azurite: run `make azurite` once, or `make test`");
        let mut process = Command::new("node")
            .arg("--require")
            .arg(root.join("tests/azurite/with-parent.cjs"))
            .arg(program)
            .args(["--silent", "--disableTelemetry", "--inMemoryPersistence"])
            .args(["--blobPort", &blobs.to_string(), "--queuePort", &queues.to_string(), "--tablePort", &tables.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stays = process.stdin.take();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let listening = lines.by_ref().filter_map(|line| line.split_once("successfully listening at").map(|(_, at)| at.trim().to_owned()));
        let ports: Vec<u16> = listening.take(3).map(|at| at.rsplit_once(':').unwrap().1.parse().unwrap()).collect();
        // What else it says goes nowhere, but it has to be taken.
        std::thread::spawn(move || lines.for_each(drop));
        Azurite { process, _stays: stays, ports: ports.try_into().unwrap_or_else(|ports| panic!("Azurite did not start: {ports:?}")) }
    }

    /// Where it is: of blobs, queues and tables.
    pub(crate) fn ports(&self) -> [u16; 3] {
        self.ports
    }

    /// With the account's key.
    pub(crate) fn connection_string(&self) -> String {
        self.with(&format!("AccountName={ACCOUNT};AccountKey={KEY}"))
    }

    /// With other credentials.
    pub(crate) fn with(&self, credentials: &str) -> String {
        let [blobs, queues, tables] = self.ports.map(|port| format!("http://127.0.0.1:{port}/{ACCOUNT}"));
        format!("{credentials};BlobEndpoint={blobs};QueueEndpoint={queues};TableEndpoint={tables}")
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
