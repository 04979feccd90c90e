//! What an instance's store holds on the host's side: the grants of WASI, `/tmp`, the limits, the way to the log.

use super::api::{self, logging, paths, streams, tls};
use super::clock::Clock;
use super::filesystem::{self, Listings, Tmp};
use super::guest_output::GuestOutput;
use super::limits::{Limits, MemoryLimiter};
use super::logs::Outlet;
use super::network::{self, Reach};
use super::streams::Stream;
use super::turns::Sign;
use crate::app::Destination;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::error::Context;
use wasmtime_wasi::filesystem::{Dir, WasiFilesystemCtxView};
use wasmtime_wasi::{FsPerms, OpenMode, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// How many handles (files, streams, timers) a guest may have open at once, and the fewest that it gets where the process may have few descriptors.
const MOST_HANDLES: usize = 10_000;
const FEWEST_HANDLES: usize = 256;
/// Random bytes that a guest may ask for in one call. Python asks for 256 at a time.
const MOST_RANDOM: u64 = 1 << 20;

/// The store's data.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    mounts: Arc<Mounts>,
    pub(super) tmp: Tmp,
    listings: Listings,
    pub(super) limiter: MemoryLimiter,
    pub(super) outlet: Arc<Outlet>,
    /// Of the invocation that runs.
    pub(super) streams: Vec<Stream>,
    pub(super) reach: Arc<Reach>,
    pub(super) tls: network::tls::Sessions,
    stdout: GuestOutput,
    stderr: GuestOutput,
}

/// What an instance gets of the host.
pub(super) struct Grants {
    /// Folders, to read.
    pub(super) mounts: Arc<Mounts>,
    /// How much of the machine.
    pub(super) limits: Limits,
    /// Connections.
    pub(super) outbound: Arc<[Destination]>,
    /// The way to the log.
    pub(super) outlet: Arc<Outlet>,
    /// By which it is interrupted.
    pub(super) sign: Arc<Sign>,
}

/// Host folders that a guest may read: opened once, for all instances of an app.
pub(super) struct Mounts(Vec<(Dir, &'static str)>);

// === impl Mounts ===

impl Mounts {
    /// What came with the guest (`rootfs`), the app, and third-party packages outside the app. Fails where a folder can't be opened.
    pub(super) fn open(rootfs: &Path, app: &Path, packages: Option<&Path>) -> wasmtime::Result<Self> {
        let (stdlib, worker) = (rootfs.join("python"), rootfs.join("packages"));
        let fixed = [(stdlib.as_path(), paths::STDLIB), (worker.as_path(), paths::WORKER), (app, paths::APP)];
        let all = fixed.into_iter().chain(packages.map(|packages| (packages, paths::PACKAGES)));
        all.map(|(folder, guest_path)| {
            let opened = File::open(folder).with_context(|| format!("the folder {} can't be opened", folder.display()))?;
            // Reads of local files are short; handing each to another thread costs more than it saves.
            Ok((Dir::new(opened, FsPerms::ReadOnly, OpenMode::READ, true), guest_path))
        })
        .collect::<wasmtime::Result<_>>()
        .map(Mounts)
    }

    /// The folders, and where the guest has them.
    pub(super) fn folders(&self) -> &[(Dir, &'static str)] {
        &self.0
    }
}

// === impl State ===

impl State {
    /// Grants what is named, and nothing else of the host.
    pub(super) fn new(grants: &Grants) -> Self {
        let Grants { mounts, limits, outbound, outlet, sign } = grants;
        let (stdout, stderr) = (GuestOutput::new("stdout", outlet.clone()), GuestOutput::new("stderr", outlet.clone()));
        let mut builder = WasiCtxBuilder::new();
        // Without one, libraries that ask for the program's name (`sys.argv[0]`) fail.
        builder.arg("");
        builder.stdout(stdout.clone()).stderr(stderr.clone()).monotonic_clock(Clock).allow_blocking_current_thread(true);
        // While they are drawn, nobody else has the thread.
        builder.max_random_size(MOST_RANDOM);
        let reach = Reach::new(outbound.clone(), outlet.clone());
        reach.grant(&mut builder);
        let mut table = ResourceTable::new();
        table.set_max_capacity(most_handles());
        let tmp = Tmp::new(limits.tmp_bytes, limits.tmp_nodes);
        State {
            wasi: builder.build(),
            table,
            mounts: mounts.clone(),
            tmp,
            listings: Listings::default(),
            limiter: MemoryLimiter::new(limits, sign.clone()),
            outlet: outlet.clone(),
            streams: Vec::new(),
            reach,
            tls: network::tls::Sessions::default(),
            stdout,
            stderr,
        }
    }

    /// Whether the guest has nothing open.
    pub(super) fn nothing_is_open(&self) -> bool {
        self.table.is_empty()
    }

    /// What the guest has open.
    pub(super) fn table_mut(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// The parts of the file system.
    pub(super) fn filesystem(&mut self) -> (WasiFilesystemCtxView<'_>, &Mounts, &Tmp, &mut Listings) {
        (WasiFilesystemCtxView { ctx: self.wasi.filesystem(), table: &mut self.table }, &self.mounts, &self.tmp, &mut self.listings)
    }

    /// Hands over what the guest wrote to its standard streams without a line's end.
    pub(super) fn finish_lines(&self) {
        self.stdout.finish_line();
        self.stderr.finish_line();
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl logging::Host for State {
    fn log(&mut self, record: api::LogRecord) -> wasmtime::Result<()> {
        self.outlet.emit(record.level, &record.logger, &record.text);
        Ok(())
    }
}

/// Each handle may be a file of the host: a sixteenth of what the process may have open is one instance's.
fn most_handles() -> usize {
    static MOST: LazyLock<usize> = LazyLock::new(|| {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let share = descriptors.map_or(MOST_HANDLES, |most| usize::try_from(most / 16).unwrap_or(MOST_HANDLES));
        share.clamp(FEWEST_HANDLES, MOST_HANDLES)
    });
    *MOST
}

/// Links everything that a guest may import.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // The file system is the sandbox's own: host folders through wasmtime-wasi, `/tmp` in memory.
    linker.allow_shadowing(true);
    filesystem::add_to_linker(linker)?;
    network::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    logging::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    streams::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    tls::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::instance::Silent;
    use super::*;
    use wasmtime_wasi::p2::bindings::random::{insecure::Host as _, random::Host as _};

    /// That of an instance without folders of the host.
    pub(in crate::sandbox) fn state() -> State {
        State::new(&Grants {
            mounts: Arc::new(Mounts(Vec::new())),
            limits: Limits::default(),
            outbound: Arc::default(),
            outlet: Arc::new(Outlet::new(Arc::new(Silent))),
            sign: Arc::new(Sign::new(Limits::default().memory_bytes)),
        })
    }

    #[test]
    fn one_call_draws_no_more_random_bytes_than_it_may() {
        let mut state = state();
        let random = state.ctx().ctx.random();
        assert_eq!(random.get_random_bytes(MOST_RANDOM).unwrap().len() as u64, MOST_RANDOM);
        assert!(random.get_random_bytes(MOST_RANDOM + 1).is_err());
        assert!(random.get_insecure_random_bytes(MOST_RANDOM + 1).is_err());
    }
}
