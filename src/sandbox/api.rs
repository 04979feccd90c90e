//! The types of `host-api.wit` in Rust: what crosses between host and guest.

/// Made by wasmtime from the contract.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "host-api.wit",
        world: "clonable-app",
        imports: { "snapfunc:host/streams.[method]content.read": async | trappable, default: trappable },
        exports: { default: async },
        with: { "snapfunc:host/streams.content": crate::sandbox::streams::Opened, "snapfunc:host/tls.session": crate::sandbox::network::tls::Session },
        additional_derives: [PartialEq],
    });
}

pub use bindings::exports::snapfunc::host::worker::{
    App, Beginning, Binding, Configuration, DataType, Direction, FunctionSource, Invocation, LoadedApp, LoadedFunction, Outcome,
    RetryContext, TraceContext,
};
pub use bindings::snapfunc::host::logging::{Level, LogRecord};
pub use bindings::snapfunc::host::types::{Cookie, Datum, Failure, HttpRequest, HttpResponse};

pub(super) use bindings::snapfunc::host::{logging, streams, tls};
pub(super) use bindings::{ClonableApp, ClonableAppPre};

/// Where things are in the guest's file system.
pub mod paths {
    /// The app's root, as on Azure.
    pub const APP: &str = "/home/site/wwwroot";
    /// Third-party packages that are not below the app's root.
    pub const PACKAGES: &str = "/home/site/packages";
    /// Python's standard library: where componentize-py has it while it makes a component.
    pub(in crate::sandbox) const STDLIB: &str = "/python";
    /// The worker and the SDK: the first folder of componentize-py's path, which modules remember as their place.
    pub(in crate::sandbox) const WORKER: &str = "/0";
}
