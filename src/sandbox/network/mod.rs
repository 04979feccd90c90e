//! The network as a guest has it: connections out, to where the app's list says; nothing in.
//!
//! A guest asks for the addresses of a name (`lookup`), which are remembered with the entries that name it, and connects to one of them. What counts is the
//! address that it connects to: it must have come of an allowed name, and be a public one, or be on the list itself.
//!
//! - `addresses` knows public addresses, `lookup` asks for those of names, `sockets` counts what an instance has, `tls` encrypts.

mod addresses;
mod lookup;
mod sockets;
pub(super) mod tls;

use crate::app::Destination;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::sockets::SocketAddrUse;

use super::logs::Outlet;
use super::state::State;

/// What a guest calls itself: `uuid.uuid1` and `socket.getfqdn` ask for its address, and go on without.
const OWN_NAME: &str = "(none)";
/// How many addresses an instance remembers the names of; then it begins anew.
const MOST_REMEMBERED: usize = 4096;
/// For how many connections at a time an instance has names looked up again.
const MOST_AGAIN: usize = 4;
/// How long the answer to such a lookup is taken for the newest.
const FRESH: Duration = Duration::from_secs(5);

/// What one instance may reach.
pub(super) struct Reach {
    allowed: Arc<[Destination]>,
    known: Mutex<Known>,
    /// Whose names are looked up again.
    places: Arc<Semaphore>,
    /// How long a connection waits for that, with all names and its turn.
    longest: Duration,
    outlet: Arc<Outlet>,
}

/// What lookups told.
#[derive(Default)]
struct Known {
    /// Which entries the names had that these are the addresses of.
    resolved: HashMap<IpAddr, Vec<usize>>,
    /// When the names of entries were last looked up again.
    asked: HashMap<usize, Instant>,
    /// Whether it was told that a literal address leads nowhere, and the socket for it is yet to be asked for.
    refused: bool,
}

/// One of an instance's few lookups: kept until the system is done with it, whether somebody still waits or not.
type Place = Arc<OwnedSemaphorePermit>;

/// Links what is not wasmtime-wasi's own.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    lookup::add_to_linker(linker)?;
    sockets::add_to_linker(linker)
}

// === impl Reach ===

impl Reach {
    pub(super) fn new(allowed: Arc<[Destination]>, outlet: Arc<Outlet>) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(MOST_AGAIN));
        Arc::new(Reach { allowed, known: Mutex::default(), places, longest: lookup::LONGEST, outlet })
    }

    /// Lets a guest's sockets do what this allows.
    pub(super) fn grant(self: &Arc<Self>, builder: &mut WasiCtxBuilder) {
        builder.allow_udp(false).allow_tcp(!self.allowed.is_empty());
        if self.allowed.is_empty() {
            return;
        }
        let reach = self.clone();
        builder.socket_addr_check(move |address, purpose| {
            let reach = reach.clone();
            Box::pin(async move {
                match purpose {
                    SocketAddrUse::TcpConnect => reach.admits(address, lookup::resolve).await,
                    // The system binds a socket that connects; asking for an address or a port is for servers.
                    SocketAddrUse::TcpBind => address.port() == 0 && address.ip().is_unspecified(),
                    _ => false,
                }
            })
        });
    }

    /// Whether there is anything that it may connect to.
    pub(super) fn is_anywhere(&self) -> bool {
        !self.allowed.is_empty()
    }

    async fn admits<F>(self: Arc<Self>, address: SocketAddr, resolve: impl Fn(String, Place) -> F + Send + 'static) -> bool
    where
        F: Future<Output = Result<Vec<IpAddr>, ErrorCode>> + Send + 'static,
    {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.may_connect(address) {
            return true;
        }
        // In a task of its own, for the check has to be `Sync`. It ends with this: a socket that the guest closes takes its lookups along.
        let (reach, mut task) = (self.clone(), JoinSet::new());
        task.spawn(async move { tokio::time::timeout(reach.longest, reach.ask_again(address, resolve)).await });
        let allowed = matches!(task.join_next().await, Some(Ok(Ok(true))));
        if !allowed {
            let kind =
                if addresses::is_public(address.ip()) { "" } else { ", which is not a public address and must be on the list itself" };
            self.tell(&format!("no connection to {address}{kind}"));
        }
        allowed
    }

    /// Whether the address is one that a name on the list has now. An app may have looked it up while it was imported: another instance did, and it may
    /// have been another process, whose memory this one's is a copy of.
    async fn ask_again<F>(&self, address: SocketAddr, resolve: impl Fn(String, Place) -> F) -> bool
    where
        F: Future<Output = Result<Vec<IpAddr>, ErrorCode>>,
    {
        if !addresses::is_public(address.ip()) {
            return false;
        }
        // Each that waits here is a socket, of which an instance has few.
        let Ok(place) = self.places.clone().acquire_owned().await else { return false };
        let place = Arc::new(place);
        for (entry, name) in self.allowed.iter().enumerate().filter_map(|(entry, destination)| Some((entry, destination.name()?))) {
            if !self.allowed[entry].has_port(address.port()) {
                continue;
            }
            // Who had the place before may have asked for the same.
            if self.may_connect(address) {
                return true;
            }
            if self.known().asked.get(&entry).is_some_and(|asked| asked.elapsed() < FRESH) {
                continue;
            }
            if let Ok(found) = resolve(name.to_owned(), place.clone()).await {
                self.remember(name, &found);
            }
            self.known().asked.insert(entry, Instant::now());
        }
        self.may_connect(address)
    }

    /// Whether the addresses of a name may be asked for at all.
    fn may_resolve(&self, name: &str) -> bool {
        let allowed = self.allowed.iter().any(|entry| entry.names(name));
        if !allowed && name != OWN_NAME {
            self.tell(&format!("{name} is not looked up"));
        }
        allowed
    }

    /// Tells that a literal address leads nowhere, where nothing is allowed: most ways to connect begin with a lookup of it.
    fn refuse_addresses(&self, addresses: &[IpAddr]) {
        for address in addresses {
            self.tell(&format!("no connection to {address}"));
            self.known().refused = true;
        }
    }

    /// Tells the same of a socket that came without a lookup, so that nobody knows where it was to lead. Libraries try at their import whether there is IPv6, so
    /// of that nothing is told.
    fn refuse_socket(&self, family: IpAddressFamily) {
        let told = std::mem::take(&mut self.known().refused);
        if !told && family == IpAddressFamily::Ipv4 {
            self.tell("no connection");
        }
    }

    fn remember(&self, name: &str, addresses: &[IpAddr]) {
        let entries: Vec<_> = (0..self.allowed.len()).filter(|entry| self.allowed[*entry].names(name)).collect();
        let mut known = self.known();
        if known.resolved.len() > MOST_REMEMBERED {
            *known = Known::default();
        }
        for address in addresses {
            let known = known.resolved.entry(*address).or_default();
            known.extend(entries.iter().filter(|entry| !known.contains(entry)).copied().collect::<Vec<_>>());
        }
    }

    fn may_connect(&self, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        let of_port = |entry: &&Destination| entry.has_port(port);
        self.allowed.iter().filter(of_port).any(|entry| entry.holds(ip))
            || addresses::is_public(ip) && {
                let known = self.known();
                let names = known.resolved.get(&ip).into_iter().flatten().map(|entry| &self.allowed[*entry]);
                names.chain(self.allowed.iter().filter(|entry| entry.is_any())).any(|entry| entry.has_port(port))
            }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Python's error has no room for the reason.
    fn tell(&self, what: &str) {
        let why = if self.is_anywhere() {
            "see snapfunc.outbound in host.json"
        } else {
            "functions connect only to what snapfunc.outbound in host.json or --allow-outbound names"
        };
        self.outlet.emit(super::api::Level::Warning, "snapfunc.outbound", &format!("snapfunc: {what}: {why}"));
    }
}

#[cfg(test)]
mod tests;
