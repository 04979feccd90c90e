//! A connection that is given up when the client does not read or does not begin.

use super::pace;
use super::places::{Activity, Busy};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// What begins a connection of HTTP/2 (RFC 9113, 3.4). hyper takes a connection that begins otherwise for one of HTTP/1 at the first byte that differs;
/// until then none of its own limits hold.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose client may not let the host wait for ever.
///
/// hyper bounds how long headers take, and the host how long bodies do. What neither bounds is a client that sends less than it takes to tell the version
/// of HTTP, and one that does not take its response.
///
/// A connection that is to end before its version is told would just be dropped by hyper, without a word of TLS. Here it comes to an end as if the
/// client had ended it, and is closed.
pub(super) struct Patient<S> {
    stream: S,
    stall: Duration,
    activity: Arc<Activity>,
    /// Cancelled once the connection is to end.
    end: CancellationToken,
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
    _busy: Busy,
}

impl<S> Patient<S> {
    /// `begin` is how long the client may take to tell the version, `stall` how long it may let what is to be written wait.
    pub(super) fn new(stream: S, begin: Duration, stall: Duration, activity: Arc<Activity>, end: CancellationToken) -> Self {
        let begin_by = Some(Box::pin(sleep_until(Instant::now() + begin)));
        Patient { stream, stall, activity, end, begin_by, begun: 0, waiting: None }
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
        let waiting = self.waiting.get_or_insert_with(|| {
            let until = Box::pin(sleep_until(Instant::now() + self.stall));
            Waiting { until, moved: 0, _busy: self.activity.begin() }
        });
        ready!(waiting.until.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.came(&buffer.filled()[before..]);
        let this = &mut *self;
        if progress.is_pending()
            && let Some(begin_by) = &mut this.begin_by
        {
            if this.end.is_cancelled() {
                return Poll::Ready(Ok(()));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};

    const BEGIN: Duration = Duration::from_millis(200);
    const STALL: Duration = Duration::from_secs(1);

    fn patient(stream: DuplexStream) -> Patient<DuplexStream> {
        Patient::new(stream, BEGIN, STALL, Activity::new(Instant::now().into_std()), CancellationToken::new())
    }

    /// A connection, with a system that takes 16 bytes before its client reads.
    fn connection() -> (Patient<DuplexStream>, DuplexStream) {
        let (stream, client) = duplex(16);
        (patient(stream), client)
    }

    #[tokio::test]
    async fn who_takes_a_byte_now_and_then_is_left() {
        let (mut stream, mut client) = connection();
        let reading = tokio::spawn(async move {
            while client.read_u8().await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
        });
        let written = timeout(Duration::from_secs(10), stream.write_all(&[0; 10_000])).await.unwrap();
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(stream);
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_taken_late_is_no_debt() {
        let (mut stream, mut client) = connection();
        for _ in 0..2 {
            // The second half waits for a while, then all of it is taken.
            let reading = async {
                sleep(Duration::from_millis(600)).await;
                client.read_exact(&mut [0; 32]).await
            };
            let (written, read) = tokio::join!(async { stream.write_all(&[0; 32]).await.and(stream.flush().await) }, reading);
            assert!(written.is_ok() && read.is_ok());
        }
    }

    #[tokio::test]
    async fn who_tells_the_version_may_be_silent_and_who_does_not_may_not() {
        for (sent, is_left) in
            [("", true), ("PRI * HTTP/2.0\r\n", true), ("GET", false), ("PRI * HTTP/1", false), ("P", true), ("POST", false)]
        {
            let (stream, mut client) = duplex(64);
            let mut stream = patient(stream);
            client.write_all(sent.as_bytes()).await.unwrap();
            let result = timeout(3 * BEGIN, stream.read_exact(&mut [0; 64])).await;
            assert_eq!(result.is_ok_and(|read| read.is_err()), is_left, "{sent:?}");
        }
        let (stream, mut client) = duplex(64);
        let mut stream = patient(stream);
        for part in PREFACE.chunks(5) {
            client.write_all(part).await.unwrap();
            stream.read_exact(&mut [0; 5][..part.len()]).await.unwrap();
        }
        assert!(timeout(3 * BEGIN, stream.read_u8()).await.is_err(), "all of the preface tells it");
    }
}
