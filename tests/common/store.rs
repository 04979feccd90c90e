//! Storage accounts for tests: the embedded one, and Azurite. A test runs on both by the macro `on_both_stores!`.

use super::azurite::Azurite;
use super::{App, Host, run_to_end, snapfunc};
use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Where an app keeps its queues, blobs and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Embedded,
    Azurite,
}

/// Makes two tests of each function that takes a `Store`.
#[allow(unused_macros)]
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod on_embedded_storage {
            $(#[test] fn $name() { super::$name($crate::common::store::Store::Embedded); })*
        }
        mod on_azurite {
            $(#[test] fn $name() { super::$name($crate::common::store::Store::Azurite); })*
        }
    };
}
#[allow(unused_imports)] // not every test file needs both
pub(crate) use on_both_stores;

// === impl Store ===

impl Store {
    /// The settings that an app needs for it.
    pub(crate) fn settings(self) -> Vec<(String, String)> {
        match self {
            Store::Embedded => Vec::new(),
            Store::Azurite => vec![("AzureWebJobsStorage".to_owned(), Azurite::shared().connection_string())],
        }
    }

    /// Starts an app on it.
    pub(crate) fn start(self, app: &App) -> Host {
        self.start_with(app, &[])
    }

    /// The same with more environment variables.
    pub(crate) fn start_with(self, app: &App, environment: &[(&str, &str)]) -> Host {
        let settings = self.settings();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        app.start_with(&[], &[settings.as_slice(), environment].concat())
    }

    /// Runs `snapfunc storage` for an app on it, with some input; gives what it prints.
    #[track_caller]
    pub(crate) fn tool(self, app: &App, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.try_tool(app, arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The same where it may fail.
    pub(crate) fn try_tool(self, app: &App, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
        command.args(["storage", "--app"]).arg(app.path()).args(arguments).envs(self.settings());
        if input.is_empty() {
            return run_to_end(command);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The names of a container's blobs; none where it is not there.
    pub(crate) fn blobs(self, app: &App, container: &str) -> Vec<String> {
        let output = self.try_tool(app, &["blobs", container], b"");
        let listed = String::from_utf8(output.stdout).unwrap();
        listed.lines().filter_map(|line| Some(line.split_once('\t')?.1.to_owned())).collect()
    }

    /// Messages of a queue, with how often they were tried.
    pub(crate) fn peek(self, app: &App, queue: &str) -> Vec<(u32, String)> {
        let listed = String::from_utf8(self.tool(app, &["queues"], b"")).unwrap();
        if !listed.lines().any(|line| line.ends_with(&format!("\t{queue}"))) {
            return Vec::new();
        }
        let printed = String::from_utf8(self.tool(app, &["peek", queue, "-n", "32"], b"")).unwrap();
        let line = |line: &str| line.split_once('\t').map(|(count, text)| (count.parse().unwrap(), text.to_owned())).unwrap();
        printed.lines().map(line).collect()
    }

    /// How many messages a queue has, visible or not.
    pub(crate) fn length(self, app: &App, queue: &str) -> u64 {
        let listed = String::from_utf8(self.tool(app, &["queues"], b"")).unwrap();
        let of = listed.lines().filter_map(|line| line.split_once('\t')).find(|(_, name)| *name == queue);
        of.map_or(0, |(length, _)| length.parse().unwrap())
    }

    /// A blob's content.
    pub(crate) fn get(self, app: &App, blob: &str) -> Vec<u8> {
        // Not through a pipe: nobody empties that while the program runs.
        let file = tempfile::NamedTempFile::new().unwrap();
        self.tool(app, &["get", blob, file.path().to_str().unwrap()], b"");
        fs::read(file.path()).unwrap()
    }

    /// Writes a blob.
    pub(crate) fn put(self, app: &App, blob: &str, content: &[u8]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        self.tool(app, &["put", blob, file.path().to_str().unwrap()], b"");
    }
}

/// A name that nothing else has: all tests share one Azurite.
pub(crate) fn unique(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{name}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Waits until something is there.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_so_long(what, Duration::from_secs(30), look)
}

/// The same with another patience.
#[track_caller]
pub(crate) fn wait_so_long<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < patience, "{what}: it did not come");
        thread::sleep(Duration::from_millis(20));
    }
}
