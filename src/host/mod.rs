//! Runs an app: listens, finds the function for an event, dispatches it to the sandbox, and says on the console what happens.
//!
//! `server` accepts connections → [`router`] finds the function → [`crate::bindings`] make a datum of the event → [`dispatch`] runs the function
//! → the way back. [`functions`] decides at start which functions can run at all; [`reload`] notices that an app's files have changed.

pub mod admin;
mod authority;
mod body;
mod by_hand;
pub mod console;
pub mod cors;
mod delivery;
pub mod dispatch;
mod environment;
pub mod functions;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod hsts;
mod inputs;
pub mod keys;
mod listeners;
mod outputs;
mod pace;
mod patience;
mod places;
pub mod reload;
pub mod route;
pub mod router;
mod server;
pub mod tls;

pub use functions::Listed;

use crate::app::{self, App, LogLevel};
use crate::bindings::Trigger;
use crate::bindings::account::{Accounts, Stores};
use crate::sandbox::api::{Level, LoadedApp, paths};
use crate::sandbox::{Isolation, Limits, Pool, PoolLimits, Runtime, Spec, Template, TemplateError};
use admin::{Admin, Inventory};
use console::{Console, cut};
use cors::Cors;
use dispatch::Dispatcher;
use functions::Functions;
use hsts::StrictTransport;
use http::{HeaderMap, HeaderName, HeaderValue};
use listeners::Listeners;
use router::{HttpSettings, Router};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tls::Tls;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How many instances an app may have where host.json's `snapfunc.maxInstances` does not say.
const MOST_INSTANCES: usize = 100;
/// How many requests may wait for an instance where host.json's `extensions.http.maxOutstandingRequests` does not say.
const MOST_WAITING: usize = 5000;
/// Bytes of a request's body, where `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` does not say.
const BODY_LIMIT: u64 = 104_857_600;
/// So many reasons why an app's memory can't be copied are told, the app knows how many there are.
const MOST_OBSTACLES: usize = 20;
/// Bytes of one that are told.
const LONGEST_OBSTACLE: usize = 2048;
/// Files and folders in an invocation's `/tmp`.
const TMP_NODES: usize = 4096;

/// Serves an app.
#[derive(Debug)]
pub struct Host {
    around: Around,
    current: Arc<Current>,
}

/// What apps are served with, one after the other.
#[derive(Debug, Clone)]
pub struct Around {
    /// The sandbox.
    pub runtime: Arc<Runtime>,
    /// Where lines go.
    pub console: Arc<Console>,
    /// Where the app is served.
    pub address: SocketAddr,
    /// Where the app's own storage account is.
    pub storage: PathBuf,
    /// Tells this app from others in a shared storage account; at most 32 letters and digits.
    pub host_id: String,
    /// The accounts that are open.
    pub stores: Arc<Stores>,
    /// The admin API, and the keys.
    pub admin: Arc<Admin>,
    /// Whether `GET /` may answer with a page.
    pub home_page: bool,
    /// Whether it serves others rather than who develops it: apps are told.
    pub production: bool,
}

/// The app that is served at the moment. Requests that began with the one before end with it.
#[derive(Debug)]
struct Current(RwLock<Arc<Served>>);

/// An app, loaded and ready to serve.
#[derive(Debug)]
struct Served {
    router: Router,
    listed: Vec<Listed>,
    dispatcher: Arc<Dispatcher>,
    triggers: Vec<(String, Arc<dyn Trigger>)>,
    listeners: Listeners,
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
pub async fn build(mut app: App, around: &Around) -> Result<Built, TemplateError> {
    // Where it will run, its settings may be others.
    let mut spec = spec(&app, &Functions::unbound(&app), around);
    spec.settings.clone_from(&spec.platform);
    let (template, loaded) = Template::prepare(around.runtime.clone(), spec).await?;
    let without_functions = declare(&mut app, &loaded, &around.console);
    let mut functions = Functions::unbound(&app);
    functions.note_loaded(loaded.functions);
    let tell = |(name, failure): (&str, &_)| {
        around.console.not_loaded(name, failure);
        name.to_owned()
    };
    let broken = functions.broken().map(tell).chain(without_functions).collect();
    Ok(Built { template, broken })
}

// === impl Host ===

impl Host {
    /// Loads an app that will be served. What is wrong with single functions is told on the console.
    ///
    /// # Errors
    /// Where no instance can be made.
    pub async fn start(app: App, around: Around) -> Result<Host, TemplateError> {
        let served = Served::load(app, &around).await?;
        // The next start finds the snapshot, however this one ends. After a change the new code is what counts, and the snapshot is written meanwhile.
        let runtime = around.runtime.clone();
        let _ = tokio::task::spawn_blocking(move || runtime.settle()).await;
        Ok(Host { around, current: Arc::new(Current(RwLock::new(Arc::new(served)))) })
    }

    /// Loads an app beside the one that is served, and serves it from then on.
    ///
    /// # Errors
    /// Where it can't be loaded, or one of its functions can't that could before. Then the one before is served on.
    pub async fn replace(&self, app: App) -> Result<(), ReplaceError> {
        let new = Served::load(app, &self.around).await?;
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
        old.listeners.stop();
        self.listen();
        // What the old one has begun ends with it.
        tokio::spawn(async move { old.listeners.ended(Duration::MAX).await });
        Ok(())
    }

    /// The app's functions, for a list that a person or a tool reads.
    #[must_use]
    pub fn functions(&self) -> Vec<Listed> {
        self.current.get().listed.clone()
    }

    /// Serves until `stop` is done, then lets what is under way end. Says whether all of it did.
    pub async fn serve(&self, listener: TcpListener, tls: Option<Tls>, stop: impl Future<Output = ()>) -> bool {
        // Before it is looked whether triggers are to listen, so that no change is missed.
        let control = self.around.admin.control.follow();
        self.listen();
        let stop = async {
            tokio::select! {
                () = stop => {}
                never = self.follow_control(control) => match never {},
            }
            self.current.get().listeners.stop();
        };
        let requests = server::serve(listener, tls, self.current.clone(), stop).await;
        let served = self.current.get();
        let events = served.listeners.ended(server::DRAIN_LIMIT).await;
        // Those for which nobody waits: by hand, or of clients that have gone.
        let others = served.dispatcher.rests(if requests && events { server::DRAIN_LIMIT } else { Duration::ZERO }).await;
        requests && events && others
    }

    /// Waits until somebody asks for the app to be read anew.
    pub async fn restarted(&self) {
        self.around.admin.control.restarted().await;
    }

    /// Has triggers listen, unless they are to rest.
    fn listen(&self) {
        if !self.around.admin.control.is_drained() {
            let served = self.current.get();
            served.listeners.start(&served.triggers, &served.dispatcher);
        }
    }

    /// Has triggers rest, and listen again, as the admin API says.
    async fn follow_control(&self, mut drained: watch::Receiver<bool>) -> Infallible {
        loop {
            if drained.changed().await.is_err() {
                return std::future::pending().await;
            }
            self.current.get().listeners.stop();
            self.listen();
        }
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
    async fn load(mut app: App, around: &Around) -> Result<Served, TemplateError> {
        let console = &around.console;
        let spec = spec(&app, &functions_of(&app, around), around);
        let (template, loaded) = Template::prepare(around.runtime.clone(), spec).await?;
        tell_obstacles(template.obstacles(), console);
        let pool = Pool::start(template, pool_limits(&app)).await?;
        let without_functions = declare(&mut app, &loaded, console);
        let mut functions = functions_of(&app, around);
        functions.note_loaded(loaded.functions);
        let (routes, errors) = functions.routes(&app.host.http.route_prefix);
        functions.refuse(&errors);
        for (name, failure) in functions.broken() {
            console.not_loaded(name, failure);
        }
        for notice in functions.notices() {
            console.host(LogLevel::Warning, &notice);
        }
        let dispatcher = Arc::new(Dispatcher::new(pool, functions.runnables(), console.clone(), app.host.function_timeout));
        let inventory = Inventory {
            functions: functions.described(),
            by_hand: functions.by_hand(),
            warmup: functions.warmup(),
            config: serde_json::Value::Object(app.host.raw.clone()),
        };
        let router = Router::new(routes, dispatcher.clone(), around.admin.clone(), inventory, http_settings(&app, around));
        let triggers = functions.triggers();
        let listeners = Listeners::default();
        Ok(Served { router, listed: functions.into_listed(), dispatcher, triggers, listeners, without_functions })
    }
}

/// Tells why each instance loads the app anew.
fn tell_obstacles(obstacles: &[String], console: &Console) {
    for obstacle in obstacles.iter().take(MOST_OBSTACLES) {
        let obstacle = cut(obstacle, LONGEST_OBSTACLE);
        let text = format!("{obstacle}: no copy of the app's memory can have that, so each instance loads the app anew");
        console.host(LogLevel::Warning, &text);
    }
    let more = obstacles.len().saturating_sub(MOST_OBSTACLES);
    if more > 0 {
        console.host(LogLevel::Warning, &format!("{more} more things are in the app's memory that no copy can have"));
    }
}

fn functions_of(app: &App, around: &Around) -> Functions {
    let accounts =
        Accounts::new(around.stores.clone(), app.settings.clone(), &app.root, &around.storage, app.host.snapfunc.storage_bytes());
    let host_id = app.settings.get("AzureFunctionsWebHost__hostid").unwrap_or(&around.host_id);
    Functions::of(app, &accounts, host_id)
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

fn spec(app: &App, functions: &Functions, around: &Around) -> Spec {
    let console = around.console.clone();
    let packages = environment::Packages::of(app);
    let debug = app.settings.get("PYTHON_ENABLE_DEBUG_LOGGING").is_some_and(is_yes);
    Spec {
        root: app.root.clone(),
        package_paths: packages.guest_path.into_iter().collect(),
        packages: packages.mount,
        settings: environment::variables(app, around.address, around.production),
        platform: environment::platform(around.production),
        preload_packages: app.host.snapfunc.preload_packages,
        private_files: vec![app::LOCAL_SETTINGS.to_owned()],
        functions: functions.sources(),
        entry_file: app.entry_file().map(|file| format!("{}/{file}", paths::APP)),
        limits: Limits {
            memory_bytes: mebibytes(app.host.snapfunc.memory_mb),
            tmp_bytes: u64::from(app.host.snapfunc.tmp_mb) << 20,
            tmp_nodes: TMP_NODES,
        },
        outbound: app.host.snapfunc.outbound.clone().into(),
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

fn http_settings(app: &App, around: &Around) -> HttpSettings {
    let body_limit = app.settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT").and_then(|text| text.trim().parse().ok());
    let header = |(name, value): &(String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    HttpSettings {
        body_limit: body_limit.unwrap_or(BODY_LIMIT),
        clients: app.host.snapfunc.clients,
        home_page: around.home_page && !app.settings.is_true("AzureWebJobsDisableHomepage"),
        unusable: app.unusable,
        // `app` has refused what is no header.
        strict_transport: app.host.http.hsts.as_ref().and_then(StrictTransport::new),
        custom_headers: app.host.http.custom_headers.iter().filter_map(header).collect::<HeaderMap>(),
        // Whoever read the app has refused what can't be.
        cors: Cors::new(&app.local.cors, app.local.cors_credentials).unwrap_or_default(),
    }
}
