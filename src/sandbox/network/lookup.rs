//! `wasi:sockets/ip-name-lookup`: the addresses of names that the app's list has, remembered for the connections that follow.
//!
//! It takes the place of wasmtime-wasi's, which tells nobody what a name resolved to.

use super::super::state::State;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::vec;
use tokio::sync::Semaphore;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// The version that CPython was built for; wasmtime takes others of 0.2 for the same.
const INTERFACE: &str = "wasi:sockets/ip-name-lookup@0.2.12";

/// Lookups at a time, of all instances. Each keeps a thread of those that the host's own work is done on too, for as long as the system tries.
const MOST_AT_ONCE: usize = 32;
/// How long a guest waits for one: what resolvers take for two tries of 5 seconds, their default.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// Bytes of a name: those of names in the DNS.
const LONGEST_NAME: usize = 255;

/// Where lookups wait for their turn.
struct Queue {
    places: Arc<Semaphore>,
    longest: Duration,
}

/// Addresses that were found and are yet to be asked for. The guest waited for all of them, so they are ready.
struct Found(vec::IntoIter<IpAddr>);

#[async_trait::async_trait]
impl Pollable for Found {
    async fn ready(&mut self) {}
}

type Addresses = Result<Resource<Found>, ErrorCode>;

/// Links it, over the one of wasmtime-wasi.
pub(in super::super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    interface.resource("resolve-address-stream", ResourceType::host::<Found>(), |mut store: StoreContextMut<'_, State>, rep| {
        store.data_mut().table_mut().delete(Resource::<Found>::new_own(rep))?;
        Ok(())
    })?;
    interface.func_wrap_async(
        "resolve-addresses",
        |mut store: StoreContextMut<'_, State>, (_network, name): (Resource<Network>, String)| {
            Box::new(async move {
                let reach = store.data().reach.clone();
                let found: Addresses = match addresses(&name, |name| reach.may_resolve(name)).await {
                    Ok(found) => {
                        if !reach.is_anywhere() {
                            reach.refuse_addresses(&found);
                        }
                        reach.remember(&name, &found);
                        Ok(store.data_mut().table_mut().push(Found(found.into_iter()))?)
                    }
                    Err(code) => Err(code),
                };
                Ok((found,))
            })
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: StoreContextMut<'_, State>, (found,): (Resource<Found>,)| {
            let next = store.data_mut().table_mut().get_mut(&found)?.0.next();
            Ok((Ok::<_, ErrorCode>(next.map(IpAddress::from)),))
        },
    )?;
    interface.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: StoreContextMut<'_, State>, (found,): (Resource<Found>,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Ok((subscribe(store.data_mut().table_mut(), found)?,))
        },
    )
}

/// A literal address stands for itself: whether it may be connected to is asked then.
async fn addresses(name: &str, may_resolve: impl Fn(&str) -> bool) -> Result<Vec<IpAddr>, ErrorCode> {
    // Before anything else is done with it: it may be as long as the guest's memory.
    if name.len() > LONGEST_NAME {
        return Err(ErrorCode::InvalidArgument);
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    if !may_resolve(name) {
        return Err(ErrorCode::AccessDenied);
    }
    resolve(name.to_owned(), ()).await
}

/// Asks this machine's resolver. What is `kept` is dropped when that is done with it, which may be long after nobody waits any more.
pub(super) async fn resolve(name: String, kept: impl Send + 'static) -> Result<Vec<IpAddr>, ErrorCode> {
    static QUEUE: LazyLock<Queue> = LazyLock::new(|| Queue::new(MOST_AT_ONCE, LONGEST));
    let question = move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        drop(kept);
        Ok(found?.map(|address| address.ip().to_canonical()).collect())
    };
    QUEUE.ask(question).await
}

// === impl Queue ===

impl Queue {
    fn new(places: usize, longest: Duration) -> Self {
        Queue { places: Arc::new(Semaphore::new(places)), longest }
    }

    async fn ask<T: Send + 'static>(&self, question: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, ErrorCode> {
        let asking = async {
            let place = self.places.clone().acquire_owned().await.map_err(|_| ErrorCode::NameUnresolvable)?;
            let asking = tokio::task::spawn_blocking(move || {
                let answer = question();
                // The thread is busy until here, whether somebody still waits or not.
                drop(place);
                answer
            });
            asking.await.map_err(|_| ErrorCode::NameUnresolvable)?.map_err(|_| ErrorCode::NameUnresolvable)
        };
        tokio::time::timeout(self.longest, asking).await.unwrap_or(Err(ErrorCode::TemporaryResolverFailure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn no_name_is_longer_than_those_of_hosts() {
        let asked = addresses(&"x".repeat(LONGEST_NAME), |_| false).await;
        assert!(matches!(asked, Err(ErrorCode::AccessDenied)));
        let asked = addresses(&"x".repeat(LONGEST_NAME + 1), |_| panic!("nobody need look at it")).await;
        assert!(matches!(asked, Err(ErrorCode::InvalidArgument)));
    }

    #[tokio::test]
    async fn lookups_that_hang_keep_their_places_and_nobody_waits_for_ever() {
        let queue = Queue::new(1, Duration::from_millis(50));
        let (release, released) = mpsc::channel::<()>();
        let hangs = move || {
            let _ = released.recv();
            Ok(1)
        };
        assert!(matches!(queue.ask(hangs).await, Err(ErrorCode::TemporaryResolverFailure)));
        // There is one place, and the system is still at it.
        assert!(matches!(queue.ask(|| Ok(2)).await, Err(ErrorCode::TemporaryResolverFailure)));
        drop(release);
        let patient = Queue { longest: Duration::from_secs(60), places: queue.places.clone() };
        assert!(matches!(patient.ask(|| Ok(3)).await, Ok(3)));
        assert!(matches!(patient.ask(|| Err::<i32, _>(io::ErrorKind::NotFound.into())).await, Err(ErrorCode::NameUnresolvable)));
    }
}
