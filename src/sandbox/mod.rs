//! The sandbox: runs an app's code in CPython inside WebAssembly, and is the only place that knows wasmtime.
//!
//! - [`Runtime`]: the engine and the compiled guest; one a process ([`base`](self) prepares what it needs on disk).
//! - [`Template`]: an app made ready, from which instances are made.
//! - [`Instance`]: one isolated interpreter with the app loaded. It takes one invocation at a time.
//! - [`Pool`]: an app's instances: takes one for each invocation, makes more on demand, replaces those that died.
//!
//! What crosses the border is in [`api`], made from `host-api.wit`. The sandbox knows nothing of HTTP, of function.json or of Azure: it is handed
//! functions to load and values to pass.

pub mod api;
mod base;
mod bundle;
mod clock;
mod cpu_clock;
mod descriptors;
mod filesystem;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod guest_output;
mod immortal;
mod instance;
mod limits;
mod logs;
mod network;
mod pool;
mod preloading;
mod preparation;
mod runtime;
mod seal;
mod slots;
mod snapshot;
mod stacks;
mod state;
mod streams;
mod template;
mod turns;
mod warm_up;

#[cfg(test)]
mod tests;

pub use base::CacheError;
pub use bundle::{BundleError, Unpacked};
pub use instance::{Instance, InvokeError};
pub use limits::Limits;
pub use logs::{LogRecord, LogSink, Running};
pub use pool::{Isolation, Lease, Pool, PoolError, PoolLimits};
pub use runtime::{Progress, Runtime, RuntimeError};
pub use streams::{Content, Stream};
pub use template::{Spec, Template, TemplateError};
