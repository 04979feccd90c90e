//! A connection that is given up when the client does not read or does not begin.

use super::pace;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What begins a connection of HTTP/2 (RFC 9113, 3.4). hyper takes a connection that begins otherwise for one of HTTP/1 at the first byte that differs;
/// until then none of its own limits hold.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose client may not let the host wait for ever.
///
/// hyper bounds how long headers take, and the host how long bodies do. What neither bounds is a client that sends less than it takes to tell the version
/// of HTTP, and one that does not take its response.
pub(super) struct Patient<S> {
    stream: S,
    stall: Duration,
    /// Until when the version must be told; `None` once it is.
    begin_by: Option<Pin<Box<Sleep>>>,
    /// How many bytes of the preface have come.
    begun: usize,
    /// What is to be written waits; `None` while nothing does.
    waiting: Option<Waiting>,
}

/// Bytes that the client does not take.
struct Waiting {
    /// Until when enough must have moved.
    until: Pin<Box<Sleep>>,
    moved: u64,
}

impl<S> Patient<S> {
    /// `begin` is how long the client may take to tell the version, `stall` how long it may let what is to be written wait.
    pub(super) fn new(stream: S, begin: Duration, stall: Duration) -> Self {
        let begin_by = Some(Box::pin(sleep_until(Instant::now() + begin)));
        Patient { stream, stall, begin_by, begun: 0, waiting: None }
    }

    /// Notes what has come, as long as it may be a preface.
    fn came(&mut self, bytes: &[u8]) {
        if self.begin_by.is_none() {
            return;
        }
        let expected = &PREFACE[self.begun..];
        let alike = bytes.iter().zip(expected).take_while(|(came, expected)| came == expected).count();
        self.begun += alike;
        if alike < bytes.len() || self.begun == PREFACE.len() {
            self.begin_by = None;
        }
    }

    /// Gives up if too little of what waits to be written has moved for too long.
    fn wrote(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &progress {
            Poll::Ready(Ok(count)) => {
                let enough = pace::least(0, self.stall);
                if let Some(waiting) = &mut self.waiting {
                    waiting.moved += *count as u64;
                }
                self.waiting.take_if(|waiting| waiting.moved >= enough);
                progress
            }
            Poll::Ready(Err(_)) => progress,
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    /// After a flush or a shutdown nothing waits: whoever writes asks for one when it has handed over all.
    fn all_written(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        if progress.is_ready() {
            self.waiting = None;
            return progress;
        }
        self.wait(context).map(Err)
    }

    /// The error comes when it was too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let stall = self.stall;
        let waiting = self.waiting.get_or_insert_with(|| Waiting { until: Box::pin(sleep_until(Instant::now() + stall)), moved: 0 });
        ready!(waiting.until.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.came(&buffer.filled()[before..]);
        if progress.is_pending()
            && let Some(begin_by) = &mut self.begin_by
        {
            ready!(begin_by.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, progress)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.all_written(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.all_written(context, progress)
    }
}
