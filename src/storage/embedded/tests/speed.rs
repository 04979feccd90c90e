//! How fast it is: `cargo test --release --lib storage::embedded::tests::speed -- --ignored --nocapture`.

use super::*;
use crate::storage::Delay;
use std::time::{Duration, Instant};

const MESSAGES: usize = 20_000;
const SENDERS: usize = 16;
const BATCH: u32 = 16;

#[ignore = "it measures"]
#[tokio::test(flavor = "multi_thread")]
async fn messages_a_second() {
    let (storage, _folder) = account().await;
    storage.queues.create("jobs").await.unwrap();
    let text = "x".repeat(200);
    let (storage, text) = (&storage, text.as_str());

    let begun = Instant::now();
    for _ in 0..MESSAGES / 20 {
        storage.queues.send("jobs", text, Delay::default()).await.unwrap();
    }
    report("send, one after the other", MESSAGES / 20, begun);

    let begun = Instant::now();
    let sender = || async move {
        for _ in 0..MESSAGES / SENDERS {
            storage.queues.send("jobs", text, Delay::default()).await.unwrap();
        }
    };
    futures_util::future::join_all((0..SENDERS).map(|_| sender())).await;
    report("send, 16 at a time", MESSAGES, begun);

    let begun = Instant::now();
    let mut count = 0;
    while count < MESSAGES / 2 {
        count += receive_and_delete(storage).await;
    }
    report("receive 16, delete them together", count, begun);

    let begun = Instant::now();
    let receiver = || async move {
        let mut count = 0;
        loop {
            match receive_and_delete(storage).await {
                0 => return count,
                more => count += more,
            }
        }
    };
    let count = futures_util::future::join_all((0..4).map(|_| receiver())).await.into_iter().sum();
    report("the same, 4 receivers", count, begun);
}

async fn receive_and_delete(storage: &Storage) -> usize {
    let messages = storage.queues.receive("jobs", BATCH, Duration::from_secs(300)).await.unwrap();
    let deleted = futures_util::future::join_all(messages.iter().map(|message| storage.queues.delete("jobs", &message.receipt))).await;
    assert!(deleted.iter().all(Result::is_ok));
    deleted.len()
}

fn report(what: &str, count: usize, begun: Instant) {
    eprintln!("{what}: {:.0} messages/s", count as f64 / begun.elapsed().as_secs_f64());
}
