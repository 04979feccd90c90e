//! The one thread of a process that writes: it takes what has come up meanwhile into one transaction, so that many callers share one wait for the disk.
//!
//! Nobody is answered before the commit. Each piece of work runs in a savepoint: one that fails leaves nothing behind and doesn't harm its neighbours.

use super::changes::Changes;
use super::failure::{Failure, of_sql};
use super::turn::Turn;
use crate::storage::StorageError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most that one transaction takes, so that the first of it doesn't wait long for the last.
const BATCH: usize = 256;
/// How often it looks whether another process has written, while somebody waits for that.
const LOOK: Duration = Duration::from_millis(100);

/// Hands work to the thread, which ends when this is gone and all work is done.
#[derive(Debug)]
pub(super) struct Writer {
    messages: Sender<Message>,
    folder: Arc<Path>,
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) turn: Turn,
    pub(super) changes: Arc<Changes>,
    /// Whatever must live as long as this process may write.
    pub(super) kept: std::fs::File,
}

enum Message {
    Work(Box<dyn Job>),
    /// Somebody began to wait for changes.
    Watched,
}

/// A caller's work.
trait Job: Send {
    /// Does it, in a transaction that is still open afterwards.
    fn run(&mut self, transaction: &mut Transaction<'_>);

    /// Answers the caller: the transaction has ended so.
    fn settle(self: Box<Self>, end: Result<(), &rusqlite::Error>);
}

struct Call<W, A, T, R> {
    work: Option<W>,
    done: Option<Result<T, Failure>>,
    after: A,
    reply: oneshot::Sender<Result<R, StorageError>>,
    folder: Arc<Path>,
}

// === impl Writer ===

impl Writer {
    pub(super) fn start(desk: Desk, folder: Arc<Path>) -> Result<Writer, StorageError> {
        let (messages, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("storage".to_owned());
        thread.spawn(move || serve(desk, &received)).map_err(|error| Failure::Io(error).tell(&folder))?;
        Ok(Writer { messages, folder })
    }

    /// Runs work in a transaction. When this returns, it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.write_then(work, |value| value).await
    }

    /// The same, and something to be done once the work is on the disk, even where the caller doesn't wait any more. Work of a caller that has gone before
    /// its turn came is left undone.
    pub(super) async fn write_then<T: Send + 'static, R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        after: impl FnOnce(T) -> R + Send + 'static,
    ) -> Result<R, StorageError> {
        let (reply, answer) = oneshot::channel();
        let call = Call { work: Some(work), done: None, after, reply, folder: self.folder.clone() };
        let stopped = || StorageError::Other(format!("the storage in {} has stopped", self.folder.display()));
        self.messages.send(Message::Work(Box::new(call))).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Has the thread look out for other processes' writes.
    pub(super) fn look_out(&self) {
        // A thread that has ended sees nothing any more: the next call says so.
        let _ = self.messages.send(Message::Watched);
    }
}

// === impl Call ===

impl<W, A, T, R> Job for Call<W, A, T, R>
where
    W: FnOnce(&Connection) -> Result<T, Failure> + Send,
    A: FnOnce(T) -> R + Send,
    T: Send,
    R: Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) {
        if let Some(work) = self.work.take().filter(|_| !self.reply.is_closed()) {
            self.done = Some(in_savepoint(transaction, work));
        }
    }

    fn settle(self: Box<Self>, end: Result<(), &rusqlite::Error>) {
        let result = match (self.done, end) {
            (Some(Err(failure)), _) => Err(failure.tell(&self.folder)),
            (_, Err(error)) => Err(of_sql(error, &self.folder)),
            (Some(Ok(value)), Ok(())) => Ok((self.after)(value)),
            // It did not run, as nobody waited.
            (None, Ok(())) => return,
        };
        // A caller that has gone needs no answer.
        let _ = self.reply.send(result);
    }
}

fn in_savepoint<T>(transaction: &mut Transaction<'_>, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
    let savepoint = transaction.savepoint()?;
    // Dropping a savepoint undoes what was done since.
    let value = work(&savepoint)?;
    savepoint.commit()?;
    Ok(value)
}

// === The thread ===

fn serve(mut desk: Desk, messages: &Receiver<Message>) {
    let mut seen = data_version(&desk.connection);
    let mut looked = Instant::now();
    loop {
        let watched = desk.changes.is_watched();
        let message = if watched { messages.recv_timeout(LOOK) } else { messages.recv().map_err(RecvTimeoutError::from) };
        match message {
            Ok(Message::Work(job)) => batch(&mut desk, job, messages),
            Ok(Message::Watched) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if watched && looked.elapsed() >= LOOK {
            let now = data_version(&desk.connection);
            if now != seen {
                desk.changes.tell_all();
            }
            (seen, looked) = (now, Instant::now());
        }
    }
    // The connection goes before what says that this process writes.
    let Desk { connection, kept, .. } = desk;
    drop(connection);
    drop(kept);
}

/// Changes with each commit of another connection, not with those of this one. Nothing where it can't be had.
fn data_version(connection: &Connection) -> Option<i64> {
    connection.prepare_cached("PRAGMA data_version").and_then(|mut statement| statement.query_row([], |row| row.get(0))).ok()
}

/// Runs a job and those that have come up meanwhile, and answers them.
fn batch(desk: &mut Desk, first: Box<dyn Job>, messages: &Receiver<Message>) {
    let mut jobs = vec![first];
    // Without a turn it is SQLite's lock that is waited for.
    let turn = desk.turn.take().ok();
    let end = transact(&mut desk.connection, &mut jobs, messages);
    drop(turn);
    for job in jobs {
        job.settle(end.as_ref().copied());
    }
}

fn transact(connection: &mut Connection, jobs: &mut Vec<Box<dyn Job>>, messages: &Receiver<Message>) -> Result<(), rusqlite::Error> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut next = 0;
    while let Some(job) = jobs.get_mut(next) {
        job.run(&mut transaction);
        // A full disk and the like make SQLite undo the whole transaction: then the neighbours have failed too.
        if transaction.is_autocommit() {
            let aborted = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
            return Err(rusqlite::Error::SqliteFailure(aborted, None));
        }
        next += 1;
        while jobs.len() == next && jobs.len() < BATCH {
            match messages.try_recv() {
                Ok(Message::Work(job)) => jobs.push(job),
                Ok(Message::Watched) => {}
                Err(_) => break,
            }
        }
    }
    transaction.commit()
}
