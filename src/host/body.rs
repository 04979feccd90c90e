//! Takes a request's body: within the limit of one, within what all together may hold, and at a pace that is no attack.

use super::pace;
use super::places::Busy;
use crate::app::ClientLimits;
use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// How long the rest of a refused body is still read: Kestrel's `RequestBodyDrainTimeout`.
const DRAIN: Duration = Duration::from_secs(5);
/// What the room of all bodies is counted in.
const PIECE: u64 = 1024;

/// The room that all bodies under way share: those of requests have one, those of responses another.
#[derive(Debug, Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    /// All of it.
    pieces: u32,
}

/// A body, with the room that it takes as long as this lives.
#[derive(Default)]
pub(super) struct Taken {
    /// All of it.
    pub(super) bytes: Bytes,
    /// For whoever holds a copy for longer.
    pub(super) room: Option<Arc<OwnedSemaphorePermit>>,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum BodyError {
    #[error("the body is beyond the limit")]
    TooLarge,
    #[error("the body comes too slowly")]
    TooSlow,
    #[error("the bodies of other requests take all the room")]
    NoRoom,
    /// Nobody will read the answer.
    #[error("the client broke off")]
    Broken,
}

// === impl Room ===

impl Room {
    pub(super) fn new(limits: ClientLimits) -> Self {
        let pieces = u32::try_from(limits.bodies_bytes / PIECE).unwrap_or(u32::MAX);
        let permits = usize::try_from(pieces).map_or(Semaphore::MAX_PERMITS, |pieces| pieces.min(Semaphore::MAX_PERMITS));
        Room { free: Arc::new(Semaphore::new(permits)), pieces }
    }

    /// Room for what is in memory already. What is larger than all of it has it alone.
    pub(super) fn hold(&self, length: u64) -> Result<OwnedSemaphorePermit, BodyError> {
        let pieces = u32::try_from(length.div_ceil(PIECE)).unwrap_or(u32::MAX).min(self.pieces);
        self.free.clone().try_acquire_many_owned(pieces).map_err(|_| BodyError::NoRoom)
    }

    /// Takes the body of at most `limit` bytes that follows these headers.
    pub(super) async fn take(
        &self,
        head: &HeaderMap,
        mut body: Incoming,
        limit: u64,
        limits: ClientLimits,
        busy: &Busy,
    ) -> Result<Taken, BodyError> {
        let taken = self.read(&mut body, limit, limits.stall_timeout).await;
        if let Err(BodyError::TooLarge | BodyError::NoRoom) = taken {
            forget(head, body, busy);
        }
        taken
    }

    async fn read(&self, body: &mut Incoming, limit: u64, window: Duration) -> Result<Taken, BodyError> {
        let announced = body.size_hint().lower();
        if announced > limit {
            return Err(BodyError::TooLarge);
        }
        let (mut taken, mut room) = (Pieces::default(), None);
        let (mut before, mut end) = (0, Instant::now() + window);
        loop {
            let Ok(frame) = timeout_at(end, body.frame()).await else {
                // A body that began quickly has no claim to be slow afterwards.
                if taken.length - before < pace::least(taken.length, window) {
                    return Err(BodyError::TooSlow);
                }
                (before, end) = (taken.length, Instant::now() + window);
                continue;
            };
            let Some(frame) = frame else { return Ok(Taken { bytes: taken.joined(), room: room.map(Arc::new) }) };
            // Trailers are nothing that a function gets.
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            let length = taken.length + data.len() as u64;
            if length > limit {
                return Err(BodyError::TooLarge);
            }
            self.grow(&mut room, length)?;
            taken.add(data);
        }
    }

    fn grow(&self, room: &mut Option<OwnedSemaphorePermit>, length: u64) -> Result<(), BodyError> {
        let has = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let more = u32::try_from(length.div_ceil(PIECE) - has).map_err(|_| BodyError::NoRoom)?;
        if more > 0 {
            let more = self.free.clone().try_acquire_many_owned(more).map_err(|_| BodyError::NoRoom)?;
            match room {
                Some(room) => room.merge(more),
                None => *room = Some(more),
            }
        }
        Ok(())
    }
}

/// Reads on for a while, and forgets, what nobody wants: most clients look for the answer only when they have sent all, and closing the connection before
/// would take the answer from them. Their connection is `busy` meanwhile.
pub(super) fn forget(head: &HeaderMap, mut body: Incoming, busy: &Busy) {
    // Who asks first is answered before sending anything.
    if !body.is_end_stream() && !head.contains_key(EXPECT) {
        let busy = busy.share();
        tokio::spawn(timeout(DRAIN, async move {
            while let Some(Ok(_)) = body.frame().await {}
            drop(busy);
        }));
    }
}

/// A body so far: most are one piece, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    all: BytesMut,
    length: u64,
}

impl Pieces {
    fn add(&mut self, data: Bytes) {
        let is_first = self.length == 0;
        self.length += data.len() as u64;
        if is_first {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            // For what has come, not for what is announced, which may never come.
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    fn joined(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

impl BodyError {
    /// What the client is told.
    pub(super) fn status(self) -> StatusCode {
        match self {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        }
    }
}
