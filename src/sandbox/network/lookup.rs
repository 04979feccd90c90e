//! `wasi:sockets/ip-name-lookup`: the addresses of names that the app's list has, remembered for the connections that follow.
//!
//! It takes the place of wasmtime-wasi's, which tells nobody what a name resolved to.

use super::super::state::State;
use std::net::IpAddr;
use std::vec;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// The version that CPython was built for; wasmtime takes others of 0.2 for the same.
const INTERFACE: &str = "wasi:sockets/ip-name-lookup@0.2.12";

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
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    if !may_resolve(name) {
        return Err(ErrorCode::AccessDenied);
    }
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|_| ErrorCode::NameUnresolvable)?;
    Ok(found.map(|address| address.ip().to_canonical()).collect())
}
