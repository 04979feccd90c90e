//! Runs an app: listens, finds the function for an event, dispatches it to the sandbox, and says on the console what happens.
//!
//! `server` accepts connections → [`router`] finds the function → [`crate::bindings`] make a datum of the event → [`dispatch`] runs the function
//! → the way back. [`functions`] decides at start which functions can run at all; [`reload`] notices that an app's files have changed.

pub mod console;
pub mod dispatch;
mod environment;
pub mod functions;
pub mod reload;
pub mod route;
pub mod router;
mod server;

pub use functions::Listed;

use crate::app::{self, App, LogLevel};
use crate::sandbox::api::{Level, LoadedApp, paths};
use crate::sandbox::{Isolation, Limits, Pool, PoolLimits, Runtime, Spec, Template, TemplateError};
use console::Console;
use dispatch::Dispatcher;
use functions::Functions;
use http::{HeaderMap, HeaderName, HeaderValue};
use router::{HttpSettings, Router};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::net::TcpListener;

/// How many instances an app may have where host.json's `snapfunc.maxInstances` does not say.
const MOST_INSTANCES: usize = 100;
/// How many requests may wait for an instance where host.json's `extensions.http.maxOutstandingRequests` does not say.
const MOST_WAITING: usize = 5000;
/// Bytes of a request's body, where `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` does not say.
const BODY_LIMIT: u64 = 104_857_600;
/// Files and folders in an invocation's `/tmp`.
const TMP_NODES: usize = 4096;

/// Serves an app.
#[derive(Debug)]
pub struct Host {
    runtime: Arc<Runtime>,
    console: Arc<Console>,
    address: SocketAddr,
    current: Arc<Current>,
}

/// The app that is served at the moment. Requests that began with the one before end with it.
#[derive(Debug)]
struct Current(RwLock<Arc<Served>>);

/// An app, loaded and ready to serve.
#[derive(Debug)]
struct Served {
    router: Router,
    listed: Vec<Listed>,
    /// The entry file, where it could not be loaded.
    without_functions: Option<String>,
}

/// Why a changed app is not served.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// A file of the app is wrong.
    #[error("{0}")]
    Unreadable(String),
    /// It can't be loaded.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Its entry file can't be loaded.
    #[error("{0} can't be loaded (see above)")]
    EntryFile(String),
    /// Functions that ran can't be loaded any more.
    #[error("{} can't be loaded any more (see above)", .0.join(", "))]
    Broken(Vec<String>),
}

/// An app that was loaded to be kept.
#[derive(Debug)]
pub struct Built {
    /// The app, loaded.
    pub template: Template,
    /// The functions that can't run. The console was told why.
    pub broken: Vec<String>,
}

/// Loads an app without its settings, to be kept rather than served.
///
/// # Errors
/// Where it can't be loaded at all.
pub async fn build(mut app: App, runtime: Arc<Runtime>, console: &Arc<Console>) -> Result<Built, TemplateError> {
    let mut spec = spec(&app, &Functions::of(&app), console.clone(), SocketAddr::from(([127, 0, 0, 1], 0)));
    spec.settings.clone_from(&spec.platform);
    let (template, loaded) = Template::prepare(runtime, spec).await?;
    let without_functions = declare(&mut app, &loaded, console);
    let mut functions = Functions::of(&app);
    functions.note_loaded(loaded.functions);
    let tell = |(name, failure): (&str, &_)| {
        console.not_loaded(name, failure);
        name.to_owned()
    };
    let broken = functions.broken().map(tell).chain(without_functions).collect();
    Ok(Built { template, broken })
}

// === impl Host ===

impl Host {
    /// Loads an app that will be served at `address`. What is wrong with single functions is told on the console.
    ///
    /// # Errors
    /// Where no instance can be made.
    pub async fn start(app: App, runtime: Arc<Runtime>, console: Arc<Console>, address: SocketAddr) -> Result<Host, TemplateError> {
        let served = Served::load(app, runtime.clone(), console.clone(), address).await?;
        Ok(Host { runtime, console, address, current: Arc::new(Current(RwLock::new(Arc::new(served)))) })
    }

    /// Loads an app beside the one that is served, and serves it from then on.
    ///
    /// # Errors
    /// Where it can't be loaded, or one of its functions can't that could before. Then the one before is served on.
    pub async fn replace(&self, app: App) -> Result<(), ReplaceError> {
        let new = Served::load(app, self.runtime.clone(), self.console.clone(), self.address).await?;
        if let Some(entry_file) = new.without_functions {
            return Err(ReplaceError::EntryFile(entry_file));
        }
        let old = self.current.get();
        let ran = |name: &str| old.listed.iter().any(|function| function.name == name && function.is_ready());
        let broken = new.listed.iter().filter(|function| function.is_broken() && ran(&function.name));
        let broken: Vec<_> = broken.map(|function| function.name.clone()).collect();
        if !broken.is_empty() {
            return Err(ReplaceError::Broken(broken));
        }
        self.current.set(new);
        Ok(())
    }

    /// The app's functions, for a list that a person or a tool reads.
    #[must_use]
    pub fn functions(&self) -> Vec<Listed> {
        self.current.get().listed.clone()
    }

    /// Serves until `stop` is done, then lets the requests under way end. Says whether all of them did.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> bool {
        server::serve(listener, self.current.clone(), stop).await
    }
}

// === impl Current ===

impl Current {
    fn get(&self) -> Arc<Served> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, served: Served) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
    }
}

// === impl Served ===

impl Served {
    async fn load(mut app: App, runtime: Arc<Runtime>, console: Arc<Console>, address: SocketAddr) -> Result<Served, TemplateError> {
        let spec = spec(&app, &Functions::of(&app), console.clone(), address);
        let (template, loaded) = Template::prepare(runtime, spec).await?;
        for obstacle in template.obstacles() {
            console.host(
                LogLevel::Warning,
                &format!("{obstacle}: no copy of the app's memory can have that, so each instance loads the app anew"),
            );
        }
        let pool = Pool::start(template, pool_limits(&app)).await?;
        let without_functions = declare(&mut app, &loaded, &console);
        let mut functions = Functions::of(&app);
        functions.note_loaded(loaded.functions);
        let (routes, errors) = functions.routes(&app.host.http.route_prefix);
        for error in errors {
            functions.refuse(error);
        }
        for (name, failure) in functions.broken() {
            console.not_loaded(name, failure);
        }
        let broken: HashMap<_, _> = functions.broken().map(|(name, failure)| (name.to_owned(), failure.clone())).collect();
        let dispatcher = Dispatcher::new(pool, broken, console, app.host.function_timeout);
        let router = Router::new(routes, dispatcher, http_settings(&app));
        Ok(Served { router, listed: functions.into_listed(), without_functions })
    }
}

/// Takes over the functions that the code declares (programming model v2), and tells why there are none, or not those that were asked for.
/// Gives the entry file where it could not be loaded.
fn declare(app: &mut App, loaded: &LoadedApp, console: &Console) -> Option<String> {
    let entry_file = app.entry_file()?.to_owned();
    if let Some(failure) = &loaded.entry_file_error {
        console.no_functions(&entry_file, failure);
        return Some(entry_file);
    }
    for notice in app.declare(loaded.functions.iter().map(|function| (function.name.as_str(), function.definition.as_deref()))) {
        console.host(LogLevel::Warning, &notice);
    }
    None
}

fn spec(app: &App, functions: &Functions, console: Arc<Console>, address: SocketAddr) -> Spec {
    let packages = environment::Packages::of(app);
    let debug = app.settings.get("PYTHON_ENABLE_DEBUG_LOGGING").is_some_and(is_yes);
    Spec {
        root: app.root.clone(),
        package_paths: packages.guest_path.into_iter().collect(),
        packages: packages.mount,
        settings: environment::variables(app, address),
        platform: environment::platform(),
        private_files: vec![app::LOCAL_SETTINGS.to_owned()],
        functions: functions.sources(),
        entry_file: app.entry_file().map(|file| format!("{}/{file}", paths::APP)),
        limits: Limits {
            memory_bytes: mebibytes(app.host.snapfunc.memory_mb),
            tmp_bytes: u64::from(app.host.snapfunc.tmp_mb) << 20,
            tmp_nodes: TMP_NODES,
        },
        log_level: if debug || console.asks_for_debug() { Level::Debug } else { Level::Information },
        logs: console,
    }
}

/// As Microsoft's worker reads its own settings (`is_envvar_true` in its utils/common.py).
fn is_yes(value: &str) -> bool {
    ["1", "true", "t", "yes", "y"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

fn mebibytes(number: u32) -> usize {
    usize::try_from(u64::from(number) << 20).unwrap_or(usize::MAX)
}

fn pool_limits(app: &App) -> PoolLimits {
    let count = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let (options, http) = (&app.host.snapfunc, &app.host.http);
    let instances =
        count(options.max_instances).unwrap_or(MOST_INSTANCES).min(count(http.max_concurrent_requests).unwrap_or(usize::MAX)).max(1);
    PoolLimits {
        isolation: match options.isolation {
            app::Isolation::Instance => Isolation::Instance,
            app::Isolation::Invocation => Isolation::Invocation,
        },
        instances,
        eager: std::thread::available_parallelism().map_or(1, NonZero::get),
        warm: count(Some(options.warm_instances)).unwrap_or(1),
        queue: count(http.max_outstanding_requests).map_or(MOST_WAITING, |outstanding| outstanding.saturating_sub(instances)),
    }
}

fn http_settings(app: &App) -> HttpSettings {
    let body_limit = app.settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT").and_then(|text| text.trim().parse().ok());
    let header = |(name, value): &(String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    HttpSettings {
        body_limit: body_limit.unwrap_or(BODY_LIMIT),
        home_page: !app.settings.is_true("AzureWebJobsDisableHomepage"),
        unusable: app.unusable,
        // `app` has refused what is no header.
        custom_headers: app.host.http.custom_headers.iter().filter_map(header).collect::<HeaderMap>(),
    }
}
