//! Bodies of responses on their way out: in pieces, counted in a room, and watched until the client has taken all of them.
//!
//! `patience` sees a connection that does not move. It can't see one response of HTTP/2 that stands still among others that move, for which the client
//! gives no window, nor what a client costs that takes a large response very slowly.

use super::body::{BodyError, Room};
use super::pace;
use super::places::Busy;
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Bytes that the server is given at a time.
const PIECE: usize = 64 << 10;
/// How many deliveries a connection's list has before those that have ended are looked for.
const FEW: usize = 16;

/// The responses that a connection's client is yet to take.
#[derive(Default, Clone)]
pub(super) struct Deliveries(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    deliveries: Vec<Observed>,
    /// How long the list may become before it is tidied up.
    tidy_at: usize,
}

/// A delivery, and what was left of it when somebody last looked.
struct Observed {
    delivery: Weak<Delivery>,
    left: Option<u64>,
}

/// One response's body. Lives as long as any of it is in memory.
struct Delivery {
    length: u64,
    left: AtomicU64,
    /// `None` for an empty one.
    _room: Option<OwnedSemaphorePermit>,
    _busy: Busy,
}

/// A body that is given out in pieces.
pub(super) struct Outgoing {
    bytes: Bytes,
    delivery: Arc<Delivery>,
}

/// Some of it. The server holds it until it is written.
pub(super) struct Piece {
    bytes: Bytes,
    delivery: Arc<Delivery>,
}

// === impl Deliveries ===

impl Deliveries {
    /// Begins to deliver a body. Its connection is `busy` until all of it is written.
    pub(super) fn begin(&self, bytes: Bytes, room: &Room, busy: &Busy) -> Result<Outgoing, BodyError> {
        if bytes.is_empty() {
            return Ok(Outgoing::empty(busy));
        }
        let room = room.hold(bytes.len() as u64)?;
        let outgoing = Outgoing::new(bytes, Some(room), busy);
        self.lock().add(&outgoing.delivery);
        Ok(outgoing)
    }

    /// Ends when a response has hardly moved for as long as `window`.
    pub(super) async fn stalled(&self, window: Duration) {
        loop {
            tokio::time::sleep(window).await;
            if self.lock().look(window) {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Watched ===

impl Watched {
    fn add(&mut self, delivery: &Arc<Delivery>) {
        if self.deliveries.len() >= self.tidy_at {
            self.deliveries.retain(|observed| observed.delivery.strong_count() > 0);
            self.tidy_at = FEW.max(2 * self.deliveries.len());
        }
        self.deliveries.push(Observed { delivery: Arc::downgrade(delivery), left: None });
    }

    /// Whether one of them has hardly moved since the last look.
    fn look(&mut self, window: Duration) -> bool {
        let mut stalled = false;
        self.deliveries.retain_mut(|observed| {
            let Some(delivery) = observed.delivery.upgrade() else { return false };
            let left = delivery.left.load(Ordering::Relaxed);
            let moved = observed.left.replace(left).map(|before| before - left);
            stalled |= left > 0 && moved.is_some_and(|moved| moved < pace::least(delivery.length, window));
            left > 0
        });
        stalled
    }
}

// === impl Outgoing ===

impl Outgoing {
    pub(super) fn empty(busy: &Busy) -> Self {
        Outgoing::new(Bytes::new(), None, busy)
    }

    fn new(bytes: Bytes, room: Option<OwnedSemaphorePermit>, busy: &Busy) -> Self {
        let length = bytes.len() as u64;
        let delivery = Arc::new(Delivery { length, left: AtomicU64::new(length), _room: room, _busy: busy.share() });
        Outgoing { bytes, delivery }
    }
}

impl Body for Outgoing {
    type Data = Piece;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let length = PIECE.min(self.bytes.len());
        let (bytes, delivery) = (self.bytes.split_to(length), self.delivery.clone());
        Poll::Ready(Some(Ok(Frame::data(Piece { bytes, delivery }))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

// === impl Piece ===

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, target: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(target)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.delivery.left.fetch_sub(count as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ClientLimits;
    use crate::host::places::Activity;
    use std::time::Instant;

    const SECOND: Duration = Duration::from_secs(1);

    fn room(bytes: u64) -> Room {
        Room::new(ClientLimits { bodies_bytes: bytes, ..ClientLimits::default() })
    }

    fn busy() -> Busy {
        Activity::new(Instant::now()).begin()
    }

    fn next(body: &mut Outgoing) -> Option<Piece> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap().into_data().unwrap_or_else(|_| panic!("there are no trailers"))),
            Poll::Pending => panic!("all of it is there"),
        }
    }

    #[test]
    fn a_response_that_moves_is_let_be_and_one_that_does_not_is_noticed() {
        let (deliveries, room) = (Deliveries::default(), room(1 << 20));
        let mut body = deliveries.begin(vec![0; 100_000].into(), &room, &busy()).unwrap();
        let mut piece = next(&mut body).unwrap();
        assert_eq!(piece.remaining(), PIECE);
        assert!(!deliveries.lock().look(SECOND), "it has just begun");
        piece.advance(1000);
        assert!(!deliveries.lock().look(SECOND));
        piece.advance(100);
        assert!(deliveries.lock().look(SECOND), "100 bytes in a second are too few");
        piece.advance(PIECE - 1100);
        next(&mut body).unwrap().advance(100_000 - PIECE);
        assert!(next(&mut body).is_none() && body.is_end_stream());
        assert!(!deliveries.lock().look(SECOND) && !deliveries.lock().look(SECOND), "nothing is left");
    }

    #[test]
    fn responses_share_a_room_until_nothing_of_them_is_held() {
        let (deliveries, room) = (Deliveries::default(), room(100 << 10));
        let mut first = deliveries.begin(vec![0; 70 << 10].into(), &room, &busy()).unwrap();
        assert_eq!(deliveries.begin(vec![0; 70 << 10].into(), &room, &busy()).err(), Some(BodyError::NoRoom));
        let piece = next(&mut first);
        drop(first);
        assert!(deliveries.begin(vec![0; 70 << 10].into(), &room, &busy()).is_err(), "a piece of it is still held");
        drop(piece);
        assert!(deliveries.begin(vec![0; 70 << 10].into(), &room, &busy()).is_ok());
        assert!(deliveries.begin(vec![0; 1 << 20].into(), &room, &busy()).is_ok(), "what is larger than the room has all of it");
    }

    #[test]
    fn those_that_have_ended_are_forgotten() {
        let (deliveries, room) = (Deliveries::default(), room(1 << 20));
        let under_way: Vec<_> = (0..10).map(|_| deliveries.begin(Bytes::from_static(b"x"), &room, &busy()).unwrap()).collect();
        for _ in 0..10_000 {
            drop(deliveries.begin(Bytes::from_static(b"x"), &room, &busy()).unwrap());
        }
        assert!(deliveries.lock().deliveries.len() <= 2 * FEW.max(under_way.len()));
    }
}
