//! `wasi:sockets/tcp-create-socket`: each socket is a descriptor of the process, which it has a limited number of.
//!
//! It takes the place of wasmtime-wasi's, which asks only whether there may be sockets at all.

use super::super::descriptors;
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
    if !state.reach.is_anywhere() {
        state.reach.refuse_socket(family);
        return Ok(Err(ErrorCode::AccessDenied));
    }
    // The table knows of all that have ended. It is walked, which takes microseconds, where a connection takes hundreds.
    if state.table_mut().iter_mut().filter(|entry| entry.is::<TcpSocket>()).count() >= MOST_SOCKETS || !descriptors::are_spare() {
        return Ok(Err(ErrorCode::NewSocketLimit));
    }
    let view = state.ctx();
    match (WasiSocketsCtxView { ctx: view.ctx.sockets(), table: view.table }).create_tcp_socket(family) {
        Ok(socket) => Ok(Ok(socket)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}
