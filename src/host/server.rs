//! Listens, hands requests to the router, and drains when told to stop.

use super::Current;
use super::router::Router;
use super::tls::Tls;
use crate::bindings::http::Endpoint;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// How long a client may take to send a request's headers.
const HEADER_LIMIT: Duration = Duration::from_secs(30);
/// How long requests under way may take to end after the host was told to stop.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long the first request of a connection that has just been made may be on its way when the host stops.
const ARRIVAL: Duration = Duration::from_millis(100);
/// How many connections that wait to be accepted are still served at the end: what the kernel holds back for a listener by default.
const MOST_WAITING: usize = 4096;

/// Serves until `stop` is done, then lets the requests under way end. Says whether all of them did.
pub(super) async fn serve(listener: TcpListener, tls: Option<Tls>, current: Arc<Current>, stop: impl Future<Output = ()>) -> bool {
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, tls.clone(), current.clone(), &graceful),
                // Out of descriptors, or the client has gone: the next one may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            () = &mut stop => break,
        }
    }
    for stream in waiting(listener) {
        serve_connection(stream, tls.clone(), current.clone(), &graceful);
    }
    // hyper closes connections on which nothing has arrived yet: what was sent by now must have the time to.
    if graceful.count() > 0 {
        tokio::time::sleep(ARRIVAL).await;
    }
    tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown()).await.is_ok()
}

/// Closes the port, and gives the connections that clients see as made but nobody has accepted: closing alone would reset them.
fn waiting(listener: TcpListener) -> Vec<TcpStream> {
    // tokio would wait to be told of them; the system call knows at once. The socket is non-blocking.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let accept = || listener.accept().and_then(|(stream, _)| stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream))).ok();
    iter::from_fn(accept).take(MOST_WAITING).collect()
}

fn serve_connection(stream: TcpStream, tls: Option<Tls>, current: Arc<Current>, graceful: &GracefulShutdown) {
    let Ok(address) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let (at, watcher) = (Endpoint { address, secure: tls.is_some() }, graceful.watcher());
    tokio::spawn(async move {
        // What goes wrong on a connection is the client's: a reset, bytes that are not HTTP. hyper has answered where an answer was due.
        let ended = match tls {
            None => serve_stream(stream, at, current, watcher).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => serve_stream(stream, at, current, watcher).await,
                Err(error) => Err(error.into()),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    });
}

async fn serve_stream<S>(stream: S, at: Endpoint, current: Arc<Current>, watcher: Watcher) -> Result<(), Box<dyn Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT);
    server.http2().timer(TokioTimer::new());
    let service = service_fn(move |request| {
        // The app that is served now answers, whatever replaces it meanwhile.
        let served = current.get();
        async move { Ok::<_, Infallible>(answer(request, &served.router, at).await) }
    });
    watcher.watch(server.serve_connection(TokioIo::new(stream), service).into_owned()).await
}

/// Reads the body, within the limit, and has the router answer.
async fn answer(request: Request<Incoming>, router: &Router, at: Endpoint) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let limit = router.body_limit();
    if body.size_hint().lower() > limit {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = match Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return status(StatusCode::PAYLOAD_TOO_LARGE),
        // The client broke off: nobody will read this.
        Err(_) => return status(StatusCode::BAD_REQUEST),
    };
    router.answer(parts, body, at).await.map(Full::new)
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
