//! Listens, hands requests to the router, and drains when told to stop.

use super::Current;
use super::body::{self, BodyError, Room, Taken};
use super::delivery::{Deliveries, Outgoing};
use super::patience::Patient;
use super::places::{Activity, Busy, Place, Places};
use super::router::Router;
use super::tls::Tls;
use crate::app::ClientLimits;
use crate::bindings::http::Endpoint;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::iter;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Bytes of a request's first line and headers. Beyond them the answer is 431, as for more headers than there may be.
const HEAD_LIMIT: usize = 64 << 10;
/// Requests at a time on a connection of HTTP/2: Kestrel's `MaxStreamsPerConnection`.
const MOST_STREAMS: u32 = 100;
/// How long a connection of HTTP/2 may be still until the client is asked whether it is there, and how long it may take to say so.
const STILL: Duration = Duration::from_secs(60);
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// How long requests under way may take to end after the host was told to stop.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long the first request of a connection that has just been made may be on its way when the host stops.
const ARRIVAL: Duration = Duration::from_millis(100);
/// How many connections that wait to be accepted are still served at the end: those that the listener lets wait.
const MOST_WAITING: usize = 4096;

/// How a connection ended.
type Ended = Result<(), Box<dyn Error + Send + Sync>>;

/// What all connections share.
#[derive(Clone)]
struct Shared {
    tls: Option<Tls>,
    current: Arc<Current>,
    /// Of requests' bodies.
    room: Room,
    /// Of responses'.
    room_out: Room,
}

/// Serves until `stop` is done, then lets the requests under way end. Says whether all of them did.
pub(super) async fn serve(listener: TcpListener, tls: Option<Tls>, current: Arc<Current>, stop: impl Future<Output = ()>) -> bool {
    let limits = current.get().router.clients();
    let places = Places::new(most_connections(limits));
    let shared = Shared { tls, current, room: Room::new(limits), room_out: Room::new(limits) };
    tokio::pin!(stop);
    let last = loop {
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => (stream, client.ip()),
                // Out of descriptors, or the client has gone: the next one may fare better.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            () = &mut stop => break None,
        };
        // Others wait behind this one in the kernel's queue.
        let place = tokio::select! {
            place = places.take(client) => place,
            () = &mut stop => break Some((stream, client)),
        };
        serve_connection(stream, shared.clone(), place);
    };
    for (stream, client) in last.into_iter().chain(waiting(listener)) {
        serve_connection(stream, shared.clone(), places.extra(client));
    }
    // hyper closes connections on which nothing has arrived yet: what was sent by now must have the time to.
    if !places.are_empty() {
        tokio::time::sleep(ARRIVAL).await;
    }
    tokio::time::timeout(DRAIN_LIMIT, places.end()).await.is_ok()
}

/// Closes the port, and gives the connections that clients see as made but nobody has accepted: closing alone would reset them.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, IpAddr)> {
    // tokio would wait to be told of them; the system call knows at once. The socket is non-blocking.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let accept = || {
        let (stream, client) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok::<_, io::Error>((TcpStream::from_std(stream)?, client.ip()))
    };
    iter::from_fn(|| accept().ok()).take(MOST_WAITING).collect()
}

/// How many connections there may be: half of what the process can open, so that files and the connections of stores have descriptors left.
fn most_connections(limits: ClientLimits) -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((descriptors / 2).clamp(1, limits.connections.into())).unwrap_or(usize::MAX)
}

fn serve_connection(stream: TcpStream, shared: Shared, mut place: Place) {
    let Ok(address) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let at = Endpoint { address, secure: shared.tls.is_some() };
    let serving = serve_accepted(stream, at, shared, place.activity().clone(), place.end().clone());
    tokio::spawn(async move {
        // What goes wrong on a connection is the client's: a reset, bytes that are not HTTP. hyper has answered where an answer was due.
        let ended = tokio::select! {
            // The connection first, as `lost` wants it.
            biased;
            ended = serving => ended,
            () = place.lost() => Err("it rested, another had need of its place, and it did not go".into()),
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    });
}

async fn serve_accepted(stream: TcpStream, at: Endpoint, shared: Shared, activity: Arc<Activity>, end: CancellationToken) -> Ended {
    let limits = shared.current.get().router.clients();
    let stream = Patient::new(stream, limits.header_timeout, limits.stall_timeout, activity.clone(), end.clone());
    let Some(tls) = shared.tls.clone() else { return serve_stream(stream, at, shared, activity, end).await };
    let secure = tokio::select! {
        biased;
        accepted = tls.accept(stream) => accepted?,
        () = end.cancelled() => return Err("it was to end before its handshake did".into()),
    };
    // What counts is what the client says, not what TLS says.
    let stream = Patient::new(secure, limits.header_timeout, limits.stall_timeout, activity.clone(), end.clone());
    serve_stream(stream, at, shared, activity, end).await
}

async fn serve_stream<S>(stream: S, at: Endpoint, shared: Shared, activity: Arc<Activity>, end: CancellationToken) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = shared.current.get().router.clients();
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(HEAD_LIMIT);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
        .keep_alive_interval(STILL)
        .keep_alive_timeout(SIGN_OF_LIFE);
    let deliveries = Deliveries::default();
    let watched = deliveries.clone();
    let service = service_fn(move |request| {
        // The app that is served now answers, whatever replaces it meanwhile.
        let (served, shared, deliveries, busy) = (shared.current.get(), shared.clone(), deliveries.clone(), activity.begin());
        async move { Ok::<_, Infallible>(answer(request, &served.router, &shared, &deliveries, &busy, at).await) }
    });
    let connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = serve_until(connection, &end) => ended,
        () = watched.stalled(limits.stall_timeout) => Err("a response was not taken".into()),
    }
}

/// Serves a connection; once it is to `end`, what is under way on it and no more.
async fn serve_until<C: GracefulConnection>(mut connection: Pin<&mut C>, end: &CancellationToken) -> C::Output {
    tokio::select! {
        // The connection first: what has arrived counts as under way, and one whose version is not known ends by itself.
        biased;
        ended = connection.as_mut() => return ended,
        () = end.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Lets the head in, takes the body, and has the router answer.
async fn answer(
    request: Request<Incoming>,
    router: &Router,
    shared: &Shared,
    deliveries: &Deliveries,
    busy: &Busy,
    at: Endpoint,
) -> Response<Outgoing> {
    let (parts, body) = request.into_parts();
    let admitted = router.admit(parts, at);
    let response = if admitted.wants_body() {
        match shared.room.take(admitted.headers(), body, router.body_limit(), router.clients(), busy).await {
            Ok(body) => admitted.answer(body).await,
            Err(error) => return turned_away(error, busy),
        }
    } else {
        body::forget(admitted.headers(), body, busy);
        admitted.answer(Taken::default()).await
    };
    let (head, body) = response.into_parts();
    match deliveries.begin(body, &shared.room_out, busy) {
        Ok(body) => Response::from_parts(head, body),
        Err(error) => turned_away(error, busy),
    }
}

fn turned_away(error: BodyError, busy: &Busy) -> Response<Outgoing> {
    tracing::debug!(%error, "a request was turned away");
    let mut response = Response::new(Outgoing::empty(busy));
    *response.status_mut() = error.status();
    response
}
