//! A plain `wasi:http` component of componentize-py, served with a new instance for each request, as `wasmtime serve` does it but for its pooling allocator.

use crate::report::{Result, folder};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::net::TcpListener;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

const PORT: &str = "SNAPFUNC_BENCH_WASI_HTTP";

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: NoRequests,
}

/// Guests ask nobody.
struct NoRequests;

/// Makes the component; nothing where that can't be done.
pub(crate) fn build() -> Result<Option<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (tool, target) = (root.join("wasm-python/dist/tools/bin/componentize-py"), folder().join("wasi-http.wasm"));
    // The interface is in the sources of the crate that serves it.
    let metadata = Command::new("cargo").args(["metadata", "--format-version", "1", "--locked"]).current_dir(root).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap_or_default();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages.filter(|package| package["name"] == "wasmtime-wasi-http").find_map(|package| package["manifest_path"].as_str());
    let Some(wit) = manifest.and_then(|manifest| Some(Path::new(manifest).parent()?.join("wit"))).filter(|_| tool.exists()) else {
        println!("skipped: the plain wasi:http component (componentize-py is not there: `make guest` installs it)");
        return Ok(None);
    };
    let mut command = Command::new(tool);
    command.arg("-d").arg(wit).args(["-w", "wasmtime:wasi-http/bindings", "componentize", "wasi_http_hello", "-o"]).arg(&target);
    let output = command.current_dir(root.join("benches/peers")).env_remove("VIRTUAL_ENV").output()?;
    if !output.status.success() {
        println!("skipped: the plain wasi:http component can't be made: {}", String::from_utf8_lossy(&output.stderr));
        return Ok(None);
    }
    Ok(Some(target))
}

/// The command that serves it: this program again.
pub(crate) fn command(component: &Path, port: u16) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(PORT, format!("{port} {}", component.display()));
    Ok(command)
}

/// Serves, if the environment asks for that; then it does not return.
pub(crate) fn serve_if_asked() -> Result<()> {
    let Ok(asked) = std::env::var(PORT) else { return Ok(()) };
    let (port, component) = asked.split_once(' ').ok_or("a port and a file are expected")?;
    let port: u16 = port.parse()?;
    tokio::runtime::Runtime::new()?.block_on(serve(port, Path::new(component)))
}

async fn serve(port: u16, component: &Path) -> Result<()> {
    let engine = Engine::new(&Config::new())?;
    let component = Component::from_file(&engine, component)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    let pre = ProxyPre::new(linker.instantiate_pre(&component)?)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let pre = pre.clone();
        stream.set_nodelay(true)?;
        let service = service_fn(move |request| answer(pre.clone(), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    pre: ProxyPre<State>,
    request: hyper::Request<hyper::body::Incoming>,
) -> std::result::Result<hyper::Response<HyperOutgoingBody>, wasmtime::Error> {
    let state = State { wasi: WasiCtx::builder().build(), http: WasiHttpCtx::new(), table: ResourceTable::new(), hooks: NoRequests };
    let mut store = Store::new(pre.engine(), state);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
    let response = store.data_mut().http().new_response_outparam(sender)?;
    tokio::spawn(async move {
        let proxy = pre.instantiate_async(&mut store).await?;
        proxy.wasi_http_incoming_handler().call_handle(store, request, response).await
    });
    Ok(receiver.await??)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// An answer on its way, and what tells of its body's end.
type Answered = (http::Response<WasiBody>, Box<dyn Future<Output = std::result::Result<(), Error>> + Send>);

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = std::result::Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = std::result::Result<Answered, Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
