//! Processes that are killed in the middle: what they had been told is written is there.

use super::processes::{child, folder_of_child};
use super::*;
use crate::storage::Delay;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

const ROUNDS: usize = 6;

/// What a child does: it writes messages and blobs, some of them over others, until it is killed, and says what was acknowledged.
#[tokio::test]
async fn writer() {
    let Some(folder) = folder_of_child() else { return };
    let storage = Storage::embedded(&folder, Quota::default()).await.unwrap();
    let storage = &storage;
    let run = std::process::id();
    let messages = async move {
        for number in 0.. {
            let text = format!("{run}.{number}");
            storage.queues.send("jobs", &text, Delay::default()).await.unwrap();
            eprintln!("sent {text}");
        }
    };
    let blobs = |writer: u32, length: usize| async move {
        for number in 0_u64.. {
            let blob = format!("{writer}/{}", number % 3);
            let content = format!("{run}.{number};").repeat(length / 8);
            eprintln!("begun {blob} {run}.{number}");
            write(storage, &BlobName::new("data", &blob), content).await;
            eprintln!("wrote {blob} {run}.{number}");
        }
    };
    tokio::join!(messages, blobs(0, 1_000), blobs(1, 100_000), blobs(2, 2_000_000));
}

#[tokio::test]
async fn what_was_acknowledged_survives_being_killed() {
    let (storage, folder) = account().await;
    storage.queues.create("jobs").await.unwrap();
    storage.blobs.create_container("data").await.unwrap();
    drop(storage);
    let mut sent = Vec::new();
    // Of each blob: what was begun last, and what was acknowledged last.
    let mut blobs: HashMap<String, [Option<String>; 2]> = HashMap::new();
    for _ in 0..ROUNDS {
        for line in run_and_kill(folder.path()).await {
            match *line.split(' ').collect::<Vec<_>>() {
                ["sent", text] => sent.push(text.to_owned()),
                ["begun", blob, content] => blobs.entry(blob.to_owned()).or_default()[0] = Some(content.to_owned()),
                ["wrote", blob, content] => blobs.entry(blob.to_owned()).or_default()[1] = Some(content.to_owned()),
                // Something that was cut off by the kill.
                _ => {}
            }
        }
        let storage = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
        check_blobs(&storage, &mut blobs).await;
        let (listed, _) = storage.blobs.list("data", "", None).await.unwrap();
        let large = listed.iter().filter(|blob| blob.properties.length > 64 * 1024).count();
        assert_eq!(names(folder.path(), "blobs").len(), large, "no file is nobody's");
        assert_eq!(names(folder.path(), "writers").len(), 1);
    }
    let storage = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
    let mut found = std::collections::HashSet::new();
    loop {
        let messages = storage.queues.receive("jobs", 32, Duration::from_secs(300)).await.unwrap();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            assert!(found.insert(message.text), "each is there once");
        }
    }
    assert!(sent.iter().all(|text| found.contains(text)));
    // One that was stored and could not be acknowledged any more may be there too.
    assert!(found.len() <= sent.len() + ROUNDS, "{} of {}", found.len(), sent.len());
    assert!(sent.len() > ROUNDS && !blobs.is_empty());
}

/// The lines of a child that was killed at some time after it had begun.
async fn run_and_kill(folder: &Path) -> Vec<String> {
    let mut child = child("storage::embedded::tests::crashes::writer", folder).spawn().unwrap();
    let output = child.stderr.take().unwrap();
    let reader = tokio::task::spawn_blocking(move || {
        let (begun, lines) = (std::time::Instant::now(), BufReader::new(output).lines());
        let after = Duration::from_micros(rand::random_range(0..250_000));
        let mut said = Vec::new();
        let mut first = None;
        for line in lines {
            said.push(line.unwrap());
            let first = *first.get_or_insert_with(|| begun.elapsed());
            if begun.elapsed() >= first + after {
                // SIGKILL. More than once is no error.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        said
    });
    reader.await.unwrap()
}

/// Each blob is whole, and is what was acknowledged last, or what came after it.
async fn check_blobs(storage: &Storage, blobs: &mut HashMap<String, [Option<String>; 2]>) {
    for (blob, known) in blobs {
        let [begun, wrote] = known.clone();
        let content = read(storage, &BlobName::new("data", blob)).await;
        let Some(content) = content else {
            assert_eq!(wrote, None, "{blob}");
            continue;
        };
        let content = String::from_utf8(content).unwrap();
        let (unit, _) = content.split_once(';').unwrap();
        assert!([begun, wrote].contains(&Some(unit.to_owned())), "{blob}: {unit} instead of {known:?}");
        let length = match blob.as_bytes()[0] {
            b'0' => 1_000,
            b'1' => 100_000,
            _ => 2_000_000,
        };
        assert!(content == format!("{unit};").repeat(length / 8), "{blob}");
        *known = [Some(unit.to_owned()), Some(unit.to_owned())];
    }
}
