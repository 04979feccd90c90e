//! `wasi:sockets/tcp-create-socket`: each socket is a descriptor of the process, which it has a limited number of.
//!
//! It takes the place of wasmtime-wasi's, which asks only whether there may be sockets at all.

use super::super::state::State;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::p2::TcpSocket;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

/// The version that CPython was built for; wasmtime takes others of 0.2 for the same.
const INTERFACE: &str = "wasi:sockets/tcp-create-socket@0.2.12";
/// How many an instance may have at once: as many as TLS connections.
const MOST_SOCKETS: usize = 256;

/// Links it, over the one of wasmtime-wasi.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("create-tcp-socket", |mut store: StoreContextMut<'_, State>, (family,): (IpAddressFamily,)| {
        Ok((create(store.data_mut(), family)?,))
    })
}

fn create(state: &mut State, family: IpAddressFamily) -> wasmtime::Result<Result<Resource<TcpSocket>, ErrorCode>> {
    // The table knows of all that have ended. It is walked, which takes microseconds, where a connection takes hundreds.
    if state.table_mut().iter_mut().filter(|entry| entry.is::<TcpSocket>()).count() >= MOST_SOCKETS || !has_spare_descriptors() {
        return Ok(Err(ErrorCode::NewSocketLimit));
    }
    let view = state.ctx();
    match (WasiSocketsCtxView { ctx: view.ctx.sockets(), table: view.table }).create_tcp_socket(family) {
        Ok(socket) => Ok(Ok(socket)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// Whether less than three quarters of the descriptors that the process may have are taken: the rest is for the host's files and for clients. The system
/// gives the lowest number that is free, so a new one's number tells.
#[cfg(unix)]
fn has_spare_descriptors() -> bool {
    use std::os::fd::{AsFd, AsRawFd};
    let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current else { return true };
    let Ok(probe) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    u64::try_from(probe.as_raw_fd()).is_ok_and(|number| number < most / 4 * 3)
}

#[cfg(not(unix))]
fn has_spare_descriptors() -> bool {
    true
}
