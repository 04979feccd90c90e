//! Several processes on one folder: this test program runs itself.

use super::*;
use crate::storage::Delay;
use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Holds the folder for a process that is a child.
const FOLDER: &str = "SNAPFUNC_TEST_STORAGE";
const MESSAGES: usize = 400;
const CHILDREN: usize = 3;

/// A command that runs one test of this program as a child. It answers on its error output, as the other holds the test's own words.
pub(super) fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(FOLDER, folder).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The folder; nothing where the test doesn't run as a child.
pub(super) fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// What a child does: it takes messages until there are none.
#[tokio::test]
async fn receiver() {
    let Some(folder) = folder_of_child() else { return };
    let storage = Storage::embedded(&folder, Quota::default()).await.unwrap();
    loop {
        let messages = storage.queues.receive("jobs", 4, Duration::from_secs(300)).await.unwrap();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            assert_eq!(message.dequeue_count, 1);
            eprintln!("got {}", message.text);
            storage.queues.delete("jobs", &message.receipt).await.unwrap();
        }
    }
}

#[tokio::test]
async fn processes_share_a_queue() {
    let (storage, folder) = account().await;
    storage.queues.create("jobs").await.unwrap();
    let texts: Vec<String> = (0..MESSAGES).map(|index| index.to_string()).collect();
    futures_util::future::join_all(texts.iter().map(|text| storage.queues.send("jobs", text, Delay::default()))).await;
    let children: Vec<_> =
        (0..CHILDREN).map(|_| child("storage::embedded::tests::processes::receiver", folder.path()).spawn().unwrap()).collect();
    let mut got = Vec::new();
    for child in children {
        let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        got.extend(said.lines().filter_map(|line| line.strip_prefix("got ")).map(str::to_owned));
    }
    assert_eq!(got.len(), MESSAGES, "none twice");
    assert_eq!(got.into_iter().collect::<HashSet<_>>(), texts.into_iter().collect(), "none lost");
    assert_eq!(storage.queues.length("jobs").await.unwrap(), 0);
}
