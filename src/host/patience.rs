//! A connection that is given up when the client does not read or does not begin.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes by which hyper knows HTTP/1 from HTTP/2: until it does, none of its own limits hold.
const PREFACE: usize = 24;

/// A stream whose client may not let the host wait for ever.
///
/// hyper bounds how long headers take, and the host how long bodies do. What neither bounds is a client that sends less than it takes to tell the version
/// of HTTP, and one that does not take its response.
pub(super) struct Patient<S> {
    stream: S,
    stall: Duration,
    received: usize,
    begin_by: Pin<Box<Sleep>>,
    /// Until when what is to be written must have moved; `None` while nothing waits.
    move_by: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, begin: Duration, stall: Duration) -> Self {
        Patient { stream, stall, received: 0, begin_by: Box::pin(sleep_until(Instant::now() + begin)), move_by: None }
    }

    /// Gives up if what waits to be written has waited too long.
    fn moved<T>(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.move_by = None;
            return progress;
        }
        let stall = self.stall;
        let move_by = self.move_by.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(move_by.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.received < PREFACE {
            self.received += buffer.filled().len() - before;
            if progress.is_pending() {
                ready!(self.begin_by.as_mut().poll(context));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, progress)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.moved(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.moved(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.moved(context, progress)
    }
}
