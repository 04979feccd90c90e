//! `snapfunc start`: reads an app, loads it and serves it until told to stop.

use super::data::AppData;
use super::https::Https;
use super::logs::Logs;
use super::packages::Installing;
use super::progress::Shown;
use super::source::Source;
use super::{cache, descriptors, functions_list, packages, reload, stop};
use crate::app::{App, Destination, Isolation, LogLevel, ReadOptions, SnapfuncOptions};
use crate::host::admin::Admin;
use crate::host::console::{Console, printable_line};
use crate::host::cors::Cors;
use crate::host::keys::Keys;
use crate::host::tls::Tls;
use crate::host::{Around, Host};
use crate::sandbox::Runtime;
use crate::wall::{self, Gates};
use anyhow::Context;
use clap::Args;
use std::cell::Cell;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime;

const DEFAULT_PORT: u16 = 7071;
/// Connections that may wait to be accepted, if the kernel allows as many (`net.core.somaxconn`). The client of one more tries again after a second.
const BACKLOG: u32 = 4096;
/// What editors and tools wait for before they go on, in the words of the Functions host.
const STARTED: &str = "Worker process started and initialized.";
/// Where keys are asked for. Which they are is for who has the files, not for who reads the console.
const WHERE_KEYS_ARE: &str = "keys are asked for: `snapfunc keys list --app APP` shows them, with `--function NAME` those of one function";

/// The flags. Those of Core Tools keep their names; a camelCase name is an alias of the kebab-case one.
#[derive(Debug, Args)]
pub(super) struct Start {
    /// Port to listen on [default: Host.LocalHttpPort of local.settings.json, else 7071]
    #[arg(short, long)]
    port: Option<u16>,

    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,

    /// The app's folder, or a file that `snapfunc build` made [default: AzureWebJobsScriptRoot, else the current folder]
    #[arg(value_name = "APP", conflicts_with = "script_root")]
    app: Option<PathBuf>,

    /// The app's folder, as Core Tools have it
    #[arg(long, alias = "prefix", value_name = "DIR")]
    script_root: Option<PathBuf>,

    /// Run only these functions
    #[arg(long, num_args = 1.., value_name = "NAME")]
    functions: Vec<String>,

    /// Memory of one instance, in MiB [default: snapfunc.memoryMb of host.json, else 512]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(64..=4096))]
    memory_mb: Option<u32>,

    /// `invocation`: a new instance for each; `instance`: one after the other in each [default: snapfunc.isolation of host.json, else instance]
    #[arg(long, value_name = "KIND", value_parser = isolation)]
    isolation: Option<Isolation>,

    /// The most instances at a time [default: snapfunc.maxInstances of host.json, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_instances: Option<u32>,

    /// Instances that are kept even if nobody uses them [default: snapfunc.warmInstances of host.json, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    warm_instances: Option<u32>,

    /// Environment variables that the app may see, beside the platform's own; `*` stands for any text
    #[arg(long, value_name = "PATTERN")]
    pass_env: Vec<String>,

    /// Where functions may connect to, with commas between, beside host.json's `snapfunc.outbound`: `https://api.example.com`, `tcp://db.internal:5432`
    #[arg(long, value_name = "DESTINATIONS", value_delimiter = ',')]
    allow_outbound: Vec<Destination>,

    /// Don't heed host.json's `snapfunc.outbound`: functions connect to what `--allow-outbound` names, or nowhere
    #[arg(long)]
    no_outbound: bool,

    /// Ask for keys, as Azure does: `snapfunc keys list` shows them
    #[arg(long, alias = "enableAuth")]
    enable_auth: bool,

    /// Origins whose pages may read responses, with commas between; `*` for all [default: Host.CORS of local.settings.json]
    #[arg(long, value_name = "ORIGINS", value_delimiter = ',')]
    cors: Vec<String>,

    /// Let those pages send credentials
    #[arg(long, alias = "corsCredentials")]
    cors_credentials: bool,

    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    accepted: Accepted,

    #[command(flatten)]
    https: Https,
}

/// What differs between a developer's machine and one that serves others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    /// Whether keys are asked for.
    pub(super) enforce_keys: bool,
    /// Whether changes of the app are taken over.
    pub(super) watch: bool,
    /// Whether `GET /` answers with a page.
    pub(super) home_page: bool,
    /// Whether apps are told that this is production.
    pub(super) production: bool,
    /// Whether, and how surely, the process gives up what a server has no use for.
    pub(super) wall: SecondWall,
    /// Whether logs are JSON, whatever the flags.
    pub(super) json: bool,
    /// Whether packages are installed, where the flags don't say no.
    pub(super) installing: Installing,
}

/// How much of the second wall there has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecondWall {
    /// None is raised.
    None,
    /// What this system has.
    Possible,
    /// All of it, or nothing is served.
    Whole,
}

/// Where and how an app is served, or built.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) console: Arc<Console>,
    pub(super) address: SocketAddr,
    pub(super) data: AppData,
    pub(super) mode: Mode,
}

/// Flags of Core Tools that change nothing here.
#[derive(Debug, Args)]
struct Accepted {
    /// Accepted: nothing is hidden here
    #[arg(long)]
    verbose: bool,
    /// Don't install the packages of requirements.txt
    #[arg(long)]
    no_build: bool,
    /// Accepted: the language is Python, and no debugger can wait in the sandbox
    #[arg(long, value_name = "ARGUMENTS")]
    language_worker: Option<String>,
    /// Accepted: the language is Python
    #[arg(long)]
    python: bool,
    /// Accepted: there is one runtime
    #[arg(long, value_name = "VERSION")]
    runtime: Option<String>,
    /// Accepted: storage is looked for when it is used
    #[arg(long)]
    skip_azure_storage_check: bool,
    /// Accepted: nothing is asked for at the end
    #[arg(long)]
    pause_on_error: bool,
    /// Accepted: the language is Python
    #[arg(long, hide = true)]
    dotnet_isolated_debug: bool,
    /// Accepted: seconds that the start may take
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

// === impl Accepted ===

impl Accepted {
    /// Whether the worker was to be started with arguments of its own.
    fn wants_debugger(&self) -> bool {
        self.language_worker.as_ref().is_some_and(|arguments| !arguments.is_empty() && !arguments.eq_ignore_ascii_case("python"))
    }
}

// === impl Start ===

impl Start {
    /// Runs until the host was told to stop.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mode = Mode {
            enforce_keys: self.enable_auth,
            watch: true,
            home_page: true,
            production: false,
            wall: SecondWall::None,
            json: false,
            installing: Installing::Wanted,
        };
        self.run_as(mode)
    }

    /// The same in some mode.
    pub(super) fn run_as(self, mode: Mode) -> anyhow::Result<ExitCode> {
        let tls = self.https.tls()?;
        let source = Source::find(self.app.as_ref().or(self.script_root.as_ref()))?;
        let app = self.read(&source)?;
        let console = Arc::new(self.logs.console(&app.host, mode.json)?);
        if let Some(tls) = tls.as_ref().filter(|_| self.https.is_self_signed()) {
            let text = format!("the certificate is made for this run, for localhost; its SHA-256 is {}", tls.fingerprint());
            console.host(LogLevel::Information, &text);
        }
        if self.accepted.wants_debugger() {
            console.host(
                LogLevel::Warning,
                "--language-worker is passed over: Python runs in the sandbox, where no debugger can wait for an editor",
            );
        }
        let installing = if self.accepted.no_build { Installing::Unwanted } else { mode.installing };
        let app = match source.folder() {
            Some(folder) if packages::ensure(folder, installing, &console)? => self.read(&source)?,
            _ => app,
        };
        let data = source.data()?;
        descriptors::raise(app.host.snapfunc.clients.connections);
        if mode.wall != SecondWall::None {
            raise_wall(&app, &data, mode.wall, &console)?;
        }
        let mut threads = runtime::Builder::new_multi_thread();
        // Guests compute for milliseconds at a time: sockets are looked at after every few turns, or busy guests would keep new requests waiting.
        threads.event_interval(4).enable_all();
        let runtime = threads.build().context("the threads can't be started")?;
        let address = SocketAddr::new(self.address, self.port.or(app.local.port).unwrap_or(DEFAULT_PORT));
        let (told, changed) = (Cell::new(false), source.folder().filter(|_| installing == Installing::Wanted));
        let read = || {
            if let Some(folder) = changed {
                packages::tell_outdated(folder, &told, &console);
            }
            self.read(&source)
        };
        let code = runtime.block_on(serve(app, read, Place { console: console.clone(), address, data, mode }, tls));
        // Invocations that outlived the drain must not hold up the exit.
        runtime.shutdown_background();
        code
    }

    /// The app as the flags want it.
    fn read(&self, source: &Source) -> anyhow::Result<App> {
        let mut app = source.read(ReadOptions {
            pass_env: self.pass_env.clone(),
            only_functions: self.functions.clone(),
            ..ReadOptions::default()
        })?;
        self.override_options(&mut app.host.snapfunc);
        if !self.cors.is_empty() {
            app.local.cors.clone_from(&self.cors);
        }
        app.local.cors_credentials |= self.cors_credentials;
        Cors::new(&app.local.cors, app.local.cors_credentials)?;
        Ok(app)
    }

    /// Flags win over host.json.
    fn override_options(&self, options: &mut SnapfuncOptions) {
        if self.no_outbound {
            options.outbound.clear();
        }
        options.outbound.extend(self.allow_outbound.iter().cloned());
        options.memory_mb = self.memory_mb.unwrap_or(options.memory_mb);
        options.max_instances = self.max_instances.or(options.max_instances);
        options.warm_instances = self.warm_instances.unwrap_or(options.warm_instances);
        options.isolation = self.isolation.unwrap_or(options.isolation);
    }
}

async fn serve(app: App, read: impl Fn() -> anyhow::Result<App>, mut place: Place, tls: Option<Tls>) -> anyhow::Result<ExitCode> {
    let listener = listen(place.address)?;
    place.address = listener.local_addr().context("the port that was opened can't be told")?;
    let console = place.console.clone();
    let stop = stop::signal()?;
    for notice in &app.notices {
        console.host(LogLevel::Warning, notice);
    }
    tokio::pin!(stop);
    let root = app.root.clone();
    // Before it is loaded, so that no change is missed.
    let changes = if place.mode.watch { reload::watch(&root, &console) } else { None };
    let host = tokio::select! {
        host = load(app, &place) => host?,
        () = &mut stop => {
            console.host(LogLevel::Information, "stopped before it had started");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if place.mode.enforce_keys {
        console.host(LogLevel::Information, WHERE_KEYS_ARE);
    }
    console.plain(&describe(&host, &console, &root, &base_url(place.address, tls.is_some())));
    let serving = host.serve(listener, tls, stop);
    let drained = tokio::select! {
        drained = serving => drained,
        never = reload::follow(changes, &host, read, &console) => match never {},
    };
    if drained {
        console.host(LogLevel::Information, "stopped");
    } else {
        console.host(LogLevel::Warning, "stopped; some requests did not end in time and were broken off");
    }
    Ok(ExitCode::SUCCESS)
}

/// Before there are threads: they stand behind it too.
fn raise_wall(app: &App, data: &AppData, wanted: SecondWall, console: &Console) -> anyhow::Result<()> {
    let cache = cache::folder()?;
    let write = vec![cache, data.folder.clone(), data.secrets(), std::env::temp_dir()];
    let mut private = DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    for folder in &write {
        // A folder can be named only if it is there.
        private.create(folder).with_context(|| format!("the folder {} can't be made", folder.display()))?;
    }
    let read = [&app.root].into_iter().chain(&app.packages).cloned().collect();
    let wall = wall::raise(&Gates { read, write });
    if let (SecondWall::Whole, Some(gaps)) = (wanted, wall.gaps()) {
        anyhow::bail!("nothing is served, as --require-wall asks for the whole second wall: {gaps}");
    }
    console.host(if wall.is_whole() { LogLevel::Information } else { LogLevel::Warning }, &wall.to_string());
    Ok(())
}

/// Makes the sandbox ready and loads the app into it.
async fn load(app: App, place: &Place) -> anyhow::Result<Host> {
    let around = place.around().await?;
    if place.mode.enforce_keys {
        around.admin.keys.prepare()?;
    }
    Ok(Host::start(app, around).await?)
}

// === impl Place ===

impl Place {
    /// What an app is served, or built, with.
    pub(super) async fn around(&self) -> anyhow::Result<Around> {
        let keys = Keys::new(self.data.secrets());
        Ok(Around {
            runtime: sandbox(&self.console).await?,
            console: self.console.clone(),
            address: self.address,
            storage: self.data.storage(),
            host_id: self.data.id.clone(),
            stores: Arc::default(),
            admin: Arc::new(Admin::new(keys, self.mode.enforce_keys, self.console.clone(), &self.data.id)),
            home_page: self.mode.home_page,
            production: self.mode.production,
        })
    }
}

/// Opens the sandbox, and shows what takes long.
async fn sandbox(console: &Arc<Console>) -> anyhow::Result<Arc<Runtime>> {
    let cache = cache::folder()?;
    let progress = Shown::new(console.clone());
    let opening = tokio::task::spawn_blocking(move || Runtime::open(&cache, &progress));
    Ok(Arc::new(opening.await.context("the sandbox can't start")??))
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // What the one before has left of its connections doesn't keep the port. On Windows it would mean another thing.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!("port {} is taken: stop what listens there, or choose another with --port", address.port()),
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!("port {} needs rights that this user lacks: choose one above 1023 with --port", address.port())
        }
        ErrorKind::AddrNotAvailable => anyhow::anyhow!("this machine has no address {}: choose another with --address", address.ip()),
        _ => anyhow::Error::new(error).context(format!("{address} can't be listened on")),
    })
}

fn base_url(address: SocketAddr, secure: bool) -> String {
    let name = if address.ip().is_loopback() || address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    let scheme = if secure { "https" } else { "http" };
    format!("{scheme}://{name}:{}", address.port())
}

fn describe(host: &Host, console: &Console, root: &Path, base_url: &str) -> String {
    let list = if console.is_coloured() {
        functions_list::table(&host.functions(), base_url)
    } else {
        functions_list::lines(&host.functions(), base_url)
    };
    let root = printable_line(&root.display().to_string());
    format!("{list}\nsnapfunc: {STARTED}\nsnapfunc: serving {root} at {base_url} (Ctrl-C stops it)")
}

fn isolation(name: &str) -> Result<Isolation, String> {
    Isolation::from_name(name).ok_or_else(|| "instance or invocation is expected".to_owned())
}
