//! Takes a request's body: within the limit of one, within what all together may hold, and at a pace that is no attack.

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

/// How slow a body may be in the long run, in bytes a second, and how long it may be slower: the defaults of Kestrel, the Functions host's server
/// (`MinRequestBodyDataRate`).
const LEAST_RATE: u64 = 240;
const GRACE: Duration = Duration::from_secs(5);
/// How long the rest of a refused body is still read: Kestrel's `RequestBodyDrainTimeout`.
const DRAIN: Duration = Duration::from_secs(5);
/// What the room of all bodies is counted in.
const PIECE: u64 = 1024;

/// The room that the bodies of all requests under way share.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A body, with the room that it takes as long as this lives.
pub(super) struct Taken {
    /// All of it.
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
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
        let pieces = usize::try_from(limits.bodies_bytes / PIECE).unwrap_or(usize::MAX);
        Room(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes the body of at most `limit` bytes that follows these headers.
    ///
    /// A refused body is read on for a while and forgotten: most clients look for the answer only when they have sent all, and closing the connection
    /// before would take the answer from them.
    pub(super) async fn take(&self, head: &HeaderMap, mut body: Incoming, limit: u64, limits: ClientLimits) -> Result<Taken, BodyError> {
        let taken = self.read(&mut body, limit, limits).await;
        // Who asks first is answered before sending anything.
        if let Err(BodyError::TooLarge | BodyError::NoRoom) = taken
            && !head.contains_key(EXPECT)
        {
            tokio::spawn(timeout(DRAIN, async move { while let Some(Ok(_)) = body.frame().await {} }));
        }
        taken
    }

    async fn read(&self, body: &mut Incoming, limit: u64, limits: ClientLimits) -> Result<Taken, BodyError> {
        let announced = body.size_hint().lower();
        if announced > limit {
            return Err(BodyError::TooLarge);
        }
        let (started, mut taken, mut room) = (Instant::now(), Pieces::default(), None);
        loop {
            let at_this_rate = started + GRACE + Duration::from_secs(taken.length / LEAST_RATE);
            let Ok(frame) = timeout_at(at_this_rate.min(Instant::now() + limits.stall_timeout), body.frame()).await else {
                return Err(BodyError::TooSlow);
            };
            let Some(frame) = frame else { return Ok(Taken { bytes: taken.joined(), _room: room }) };
            // Trailers are nothing that a function gets.
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            let length = taken.length + data.len() as u64;
            if length > limit {
                return Err(BodyError::TooLarge);
            }
            self.grow(&mut room, length)?;
            taken.add(data, announced);
        }
    }

    fn grow(&self, room: &mut Option<OwnedSemaphorePermit>, length: u64) -> Result<(), BodyError> {
        let has = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let more = u32::try_from(length.div_ceil(PIECE) - has).map_err(|_| BodyError::NoRoom)?;
        if more > 0 {
            let more = self.0.clone().try_acquire_many_owned(more).map_err(|_| BodyError::NoRoom)?;
            match room {
                Some(room) => room.merge(more),
                None => *room = Some(more),
            }
        }
        Ok(())
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
    fn add(&mut self, data: Bytes, announced: u64) {
        let is_first = self.length == 0;
        self.length += data.len() as u64;
        if is_first {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            // No more than twice what has come: what is announced may never come.
            let announced = usize::try_from(announced).unwrap_or(0);
            self.all.reserve(announced.min(2 * (self.first.len() + data.len())));
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
