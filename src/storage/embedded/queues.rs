//! Queues and messages.
//!
//! The oldest message is the one that has been visible for the longest: one that failed comes back behind those that waited, and can't hold them up.

use super::Account;
use super::changes::Place;
use super::failure::Failure;
use super::times::{self, NEVER};
use crate::storage::{Delay, PeekedMessage, QueueMessage, Queues, Receipt, StorageError, names};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Builder;

/// In bytes of UTF-8.
const LONGEST: usize = 64 * 1024;
/// The most that Azure gives at once.
const MOST: u32 = 32;

#[async_trait]
impl Queues for Account {
    async fn create(&self, queue: &str) -> Result<bool, StorageError> {
        names::queue(queue)?;
        self.create_named("INSERT INTO queues (name) VALUES (?) ON CONFLICT DO NOTHING", queue, self.quota.of_queue(queue)).await
    }

    async fn delete_queue(&self, queue: &str) -> Result<bool, StorageError> {
        names::queue(queue)?;
        let queue = queue.to_owned();
        self.writer.write(move |db| Ok(db.prepare_cached("DELETE FROM queues WHERE name = ?")?.execute([queue])? > 0)).await
    }

    async fn queues(&self) -> Result<Vec<String>, StorageError> {
        let select = "SELECT name FROM queues ORDER BY name";
        self.readers.read(move |db| Ok(db.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)).await
    }

    async fn send(&self, queue: &str, text: &str, delay: Delay) -> Result<Receipt, StorageError> {
        names::queue(queue)?;
        if text.len() > LONGEST {
            return Err(StorageError::TooLarge { what: "a queue message", bytes: text.len() as u64, limit: LONGEST as u64 });
        }
        let (queue, text, changes) = (queue.to_owned(), text.to_owned(), self.changes.clone());
        let place = Place::Queue(queue.clone());
        let after = move |receipt| {
            changes.tell(&place);
            receipt
        };
        let share = self.quota.of_queue(&queue);
        let work = move |db: &Connection| {
            let receipt = send(db, &queue, &text, delay)?;
            share.check(db)?;
            Ok(receipt)
        };
        self.writer.write_then(work, after).await
    }

    async fn receive(&self, queue: &str, most: u32, visibility: Duration) -> Result<Vec<QueueMessage>, StorageError> {
        names::queue(queue)?;
        check_most(most)?;
        let queue = queue.to_owned();
        self.writer.write(move |db| receive(db, &queue, most, visibility)).await
    }

    async fn update(&self, queue: &str, receipt: &Receipt, visibility: Duration) -> Result<Receipt, StorageError> {
        names::queue(queue)?;
        let (queue, receipt, changes) = (queue.to_owned(), receipt.clone(), self.changes.clone());
        let place = Place::Queue(queue.clone());
        let after = move |receipt| {
            if visibility.is_zero() {
                changes.tell(&place);
            }
            receipt
        };
        self.writer.write_then(move |db| update(db, &queue, receipt, visibility), after).await
    }

    async fn delete(&self, queue: &str, receipt: &Receipt) -> Result<(), StorageError> {
        names::queue(queue)?;
        let (queue, receipt) = (queue.to_owned(), receipt.clone());
        let delete = "DELETE FROM messages WHERE id = ? AND queue = ? AND receipt = ? AND expires > ?";
        let work = move |db: &Connection| {
            let queue_id = id(db, &queue)?;
            let deleted = db.prepare_cached(delete)?.execute(params![receipt.id, queue_id, receipt.pop_receipt, times::now()])?;
            if deleted > 0 { Ok(()) } else { Err(not_held(db, queue_id, &receipt)) }
        };
        self.writer.write(work).await
    }

    async fn peek(&self, queue: &str, most: u32) -> Result<Vec<PeekedMessage>, StorageError> {
        names::queue(queue)?;
        check_most(most)?;
        let queue = queue.to_owned();
        self.readers.read(move |db| peek(db, &queue, most)).await
    }

    async fn clear(&self, queue: &str) -> Result<(), StorageError> {
        names::queue(queue)?;
        let queue = queue.to_owned();
        let work = move |db: &Connection| {
            db.prepare_cached("DELETE FROM messages WHERE queue = ?")?.execute([id(db, &queue)?])?;
            Ok(())
        };
        self.writer.write(work).await
    }

    async fn length(&self, queue: &str) -> Result<u64, StorageError> {
        names::queue(queue)?;
        let queue = queue.to_owned();
        let count = "SELECT count(*) FROM messages WHERE queue = ? AND expires > ?";
        let work = move |db: &Connection| {
            let queue = id(db, &queue)?;
            Ok(db.prepare_cached(count)?.query_row([queue, times::now()], |row| row.get::<_, i64>(0))?.unsigned_abs())
        };
        self.readers.read(work).await
    }

    fn changes(&self, queue: &str) -> Option<watch::Receiver<()>> {
        let receiver = self.changes.subscribe(Place::Queue(queue.to_owned()));
        self.writer.look_out();
        Some(receiver)
    }
}

fn check_most(most: u32) -> Result<(), StorageError> {
    if (1..=MOST).contains(&most) {
        Ok(())
    } else {
        Err(StorageError::Other(format!("{most} messages were asked for at once, and a queue gives 1 to {MOST}")))
    }
}

/// A queue's number.
fn id(db: &Connection, queue: &str) -> Result<i64, Failure> {
    let found = db.prepare_cached("SELECT id FROM queues WHERE name = ?")?.query_row([queue], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Failure::missing("queue", queue))
}

fn send(db: &Connection, queue: &str, text: &str, delay: Delay) -> Result<Receipt, Failure> {
    let queue = id(db, queue)?;
    let now = times::now();
    // Ids that grow with time are neighbours in their index, and many of them one page to write.
    let millis = u64::try_from(now / 1000).unwrap_or(0);
    let id = Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid().to_string();
    let expires = delay.time_to_live.map_or(NEVER, |life| times::after(now, life));
    let insert = "INSERT INTO messages (queue, id, receipt, inserted, visible, expires, text)
        VALUES (?, ?, lower(hex(randomblob(16))), ?, ?, ?, ?) RETURNING receipt";
    let values = params![queue, id, now, times::after(now, delay.visible_after), expires, text];
    let pop_receipt = db.prepare_cached(insert)?.query_row(values, |row| row.get(0))?;
    Ok(Receipt { id, pop_receipt })
}

fn receive(db: &Connection, queue: &str, most: u32, visibility: Duration) -> Result<Vec<QueueMessage>, Failure> {
    let queue = id(db, queue)?;
    let now = times::now();
    db.prepare_cached("DELETE FROM messages WHERE expires <= ?")?.execute([now])?;
    let take = "UPDATE messages SET visible = ?, dequeue_count = dequeue_count + 1, receipt = lower(hex(randomblob(16)))
        WHERE sequence IN (SELECT sequence FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, sequence LIMIT ?)
        RETURNING id, text, dequeue_count, inserted, expires, visible, receipt, sequence";
    let taken = |row: &Row<'_>| {
        let message = QueueMessage {
            receipt: Receipt { id: row.get(0)?, pop_receipt: row.get(6)? },
            text: row.get(1)?,
            dequeue_count: row.get(2)?,
            inserted: times::system(row.get(3)?),
            expires: times::system(row.get(4)?),
            next_visible: times::system(row.get(5)?),
        };
        Ok((row.get::<_, i64>(7)?, message))
    };
    let mut take = db.prepare_cached(take)?;
    let values = params![times::after(now, visibility), queue, now, most];
    let mut messages = take.query_map(values, taken)?.collect::<Result<Vec<_>, _>>()?;
    // SQLite returns changed rows in no order.
    messages.sort_unstable_by_key(|(sequence, _)| *sequence);
    Ok(messages.into_iter().map(|(_, message)| message).collect())
}

fn update(db: &Connection, queue: &str, receipt: Receipt, visibility: Duration) -> Result<Receipt, Failure> {
    let queue = id(db, queue)?;
    let now = times::now();
    let update = "UPDATE messages SET visible = ?, receipt = lower(hex(randomblob(16)))
        WHERE id = ? AND queue = ? AND receipt = ? AND expires > ? RETURNING receipt";
    let values = params![times::after(now, visibility), receipt.id, queue, receipt.pop_receipt, now];
    match db.prepare_cached(update)?.query_row(values, |row| row.get(0)).optional()? {
        Some(pop_receipt) => Ok(Receipt { id: receipt.id, pop_receipt }),
        None => Err(not_held(db, queue, &receipt)),
    }
}

/// Why a receipt proves nothing: the message is gone, or somebody else has it.
fn not_held(db: &Connection, queue: i64, receipt: &Receipt) -> Failure {
    let select = "SELECT 1 FROM messages WHERE id = ? AND queue = ? AND expires > ?";
    match db.prepare_cached(select).and_then(|mut select| select.exists(params![receipt.id, queue, times::now()])) {
        Ok(true) => Failure::conflict(format!("the message {} was received or updated since", receipt.id)),
        Ok(false) => Failure::missing("message", &receipt.id),
        Err(error) => error.into(),
    }
}

fn peek(db: &Connection, queue: &str, most: u32) -> Result<Vec<PeekedMessage>, Failure> {
    let select = "SELECT id, text, dequeue_count, inserted, expires FROM messages
        WHERE queue = ?1 AND visible <= ?2 AND expires > ?2 ORDER BY visible, sequence LIMIT ?3";
    let seen = |row: &Row<'_>| {
        Ok(PeekedMessage {
            id: row.get(0)?,
            text: row.get(1)?,
            dequeue_count: row.get(2)?,
            inserted: times::system(row.get(3)?),
            expires: times::system(row.get(4)?),
        })
    };
    let mut select = db.prepare_cached(select)?;
    let messages = select.query_map(params![id(db, queue)?, times::now(), most], seen)?;
    Ok(messages.collect::<Result<_, _>>()?)
}
