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
    Preloadable, RetryContext, TraceContext,
};
pub use bindings::snapfunc::host::logging::{Level, LogRecord};
pub use bindings::snapfunc::host::types::{Cookie, Datum, Failure, HttpRequest, HttpResponse, JoinedPairs};

pub(super) use bindings::snapfunc::host::{logging, streams, tls};
pub(super) use bindings::{ClonableApp, ClonableAppPre};

/// Ends each name and each value of joined pairs.
const END: char = '\0';

// === impl JoinedPairs ===

impl From<Vec<(String, String)>> for JoinedPairs {
    fn from(pairs: Vec<(String, String)>) -> Self {
        if pairs.iter().any(|(name, value)| name.contains(END) || value.contains(END)) {
            return JoinedPairs::Apart(pairs);
        }
        let mut joined = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
        for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
            joined.push_str(text);
            joined.push(END);
        }
        JoinedPairs::Joined(joined)
    }
}

impl JoinedPairs {
    /// The names and values, one after the other.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            JoinedPairs::Joined(texts) => {
                let mut texts = texts.split_terminator(END);
                std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect()
            }
            JoinedPairs::Apart(pairs) => pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }
}

impl Default for JoinedPairs {
    fn default() -> Self {
        JoinedPairs::Joined(String::new())
    }
}

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
