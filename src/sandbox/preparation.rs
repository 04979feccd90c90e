//! How an app is made ready: loaded once, or taken from a snapshot.
//!
//! 1. A snapshot of the same app is taken, if the settings are such that it would have been loaded alike.
//! 2. Else the app is loaded without its settings. If it did not look at any that is set, its memory serves, and is kept as a snapshot.
//! 3. Else it is loaded with its settings, and its memory is never written to a disk.
//!
//! What it is loaded on is the guest, or the guest with the app's packages: see [`preloading`](super::preloading).

use super::Runtime;
use super::api::{App, Configuration, Level, LoadedApp, Preloadable, paths};
use super::bundle;
use super::immortal;
use super::instance::{Instance, InvokeError, Purpose};
use super::logs::{LogRecord, LogSink};
use super::preloading::Packages;
use super::slots::{Capture, Image};
use super::snapshot::{
    Content, Description, Identities, Identity, KeptFailure, KeptFunction, KeptRecord, Memory, Snapshot, Store, are_alike,
};
use super::state::Mounts;
use super::template::{Origin, Spec, TemplateError};
use super::warm_up::warm_up;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long an app may take to load: an import that never ends must not keep an instance for ever.
pub(super) const LOAD_LIMIT: Duration = Duration::from_secs(120);
/// And how long it may take to find what lasts of it, which takes some tens of milliseconds.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of what an app logs while it is loaded, in a snapshot.
const MOST_LOGGED: usize = 1 << 20;
/// What a record costs beside its text.
const RECORD_COST: usize = 64;
/// A setting's value that is shorter is not looked for in a memory before that is kept: such texts are in any memory.
const SHORTEST_SECRET: usize = 12;

/// What is needed to load an app.
pub(super) struct Preparation<'a> {
    pub(super) runtime: &'a Arc<Runtime>,
    pub(super) spec: &'a Spec,
    pub(super) mounts: &'a Arc<Mounts>,
}

/// An app after loading.
struct Loaded {
    app: LoadedApp,
    /// A copy of the memory, with what lasts made immortal; or what stands in the way of one.
    memory: Result<Image, Vec<String>>,
    /// What the app was loaded on.
    ground: Arc<Image>,
}

/// The same where no setting was there.
struct Unset {
    snapshot: Snapshot,
    memory: Memory,
    preloadable: Preloadable,
}

/// Keeps records until it is known whether they count.
#[derive(Default)]
pub(super) struct Held(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    records: Vec<KeptRecord>,
    /// Of their texts.
    bytes: usize,
    /// How many were not kept.
    dropped: u64,
}

// === impl Preparation ===

impl Preparation<'_> {
    /// Makes the app ready: what instances begin with, and what loading came to.
    pub(super) async fn run(&self) -> Result<(Origin, LoadedApp), TemplateError> {
        let (identity, packages) = self.identities().await.map(|found| (found.app, found.packages)).unzip();
        let found = identity.as_ref().and_then(|identity| self.find(identity));
        if let Some((snapshot, memory)) = found.as_ref().and_then(|snapshot| Some((snapshot, snapshot.memory.as_ref()?)))
            && self.fits(snapshot)
        {
            return self.adopt(snapshot, memory);
        }
        let reads_settings = found.is_some_and(|snapshot| !are_alike(&snapshot.settings_read, &self.spec.platform, &self.spec.settings));
        let mut packages = self.packages(packages.flatten());
        if !reads_settings && let Some(Unset { snapshot, memory, preloadable }) = self.try_without_settings(&mut packages).await {
            let fits = self.fits(&snapshot);
            let adopted = fits.then(|| self.adopt(&snapshot, &memory));
            if let Some(identity) = identity {
                self.keep(&self.runtime.snapshots, identity, Snapshot { memory: fits.then_some(memory), ..snapshot });
            }
            if let Some(adopted) = adopted {
                self.preload_meanwhile(packages, preloadable);
                return adopted;
            }
        }
        let loaded = self.load(&mut packages, &self.spec.settings, self.spec.logs.clone(), || ()).await?;
        let origin = match loaded.memory {
            Ok(image) => Origin::Image { image: Arc::new(image), configuration: None },
            Err(obstacles) => Origin::Source { obstacles, ground: loaded.ground },
        };
        self.preload_meanwhile(packages, loaded.app.preloadable.clone());
        Ok((origin, loaded.app))
    }

    /// Loads the app with all of its settings, to be used at once.
    pub(super) async fn load_instance(&self, ground: &Arc<Image>) -> Result<Instance, TemplateError> {
        let mut instance = self.instance(ground, self.purpose())?;
        instance.load(&self.configuration(&self.spec.settings), &self.app(), LOAD_LIMIT).await.map_err(load_error)?;
        instance.prepare_snapshot(LOAD_LIMIT).await.map_err(load_error)?;
        Ok(instance)
    }

    /// An instance that begins as an image.
    pub(super) fn instance(&self, image: &Arc<Image>, purpose: Purpose) -> Result<Instance, TemplateError> {
        let limit = self.spec.limits.memory_bytes;
        if image.bytes() > limit {
            return Err(TemplateError::TooLarge { needs: image.bytes() >> 20, limit: limit >> 20 });
        }
        Instance::new(self.runtime, &self.spec.limits, &self.spec.outbound, self.mounts, image, purpose)
            .map_err(TemplateError::Instantiation)
    }

    /// To run functions.
    fn purpose(&self) -> Purpose {
        Purpose::logging(self.spec.logs.clone())
    }

    pub(super) async fn identities(&self) -> Option<Identities> {
        let description = Description::of(self.spec);
        let content = Content::of(self.spec);
        let read = tokio::task::spawn_blocking(move || Identities::of(&description, &content)).await;
        match read {
            Ok(Ok(identities)) => identities,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the app's files can't be read for its snapshot: it is loaded anew");
                None
            }
            Err(_) => None,
        }
    }

    /// The app's snapshot: the one that came in its bundle, if it fits, else one that was made here.
    fn find(&self, identity: &Identity) -> Option<Snapshot> {
        let (made_here, most) = (&self.runtime.snapshots, self.spec.limits.memory_bytes);
        let bundled = bundle::store(&self.spec.root, &self.runtime.cache, made_here.seal().clone());
        match bundled.and_then(|bundled| bundled.find(identity, most)) {
            Some(bundled) if self.fits(&bundled) => Some(bundled),
            // What was made here is known to be no larger than it says: why the app can't have it is told later.
            bundled => made_here.find(identity, usize::MAX).or(bundled),
        }
    }

    /// What loading comes to where no setting is there; nothing where it fails: then settings may be what is missing.
    async fn try_without_settings(&self, packages: &mut Packages) -> Option<Unset> {
        let held = Arc::new(Held::default());
        let again = || drop(held.take());
        let loaded = self.load(packages, &self.spec.platform, held.clone(), again).await.ok()?;
        let memory = Memory::of(loaded.memory.ok()?.content(), self.runtime.base.content());
        let snapshot = Snapshot {
            functions: loaded.app.functions.iter().map(KeptFunction::from).collect(),
            entry_file_error: loaded.app.entry_file_error.map(KeptFailure::from),
            settings_read: loaded.app.settings_read,
            platform: self.spec.platform.clone(),
            records: held.take(),
            memory: None,
        };
        Some(Unset { snapshot, memory, preloadable: loaded.app.preloadable })
    }

    /// Loads the app, on its packages if they are there; `again` is called before it is loaded a second time.
    async fn load(
        &self,
        packages: &mut Packages,
        settings: &[(String, String)],
        logs: Arc<dyn LogSink>,
        again: impl FnOnce(),
    ) -> Result<Loaded, TemplateError> {
        let Packages::Preloaded(_, image) = &*packages else { return self.load_on(&self.runtime.base, settings, logs).await };
        let on_packages = self.load_on(image, settings, logs.clone()).await;
        if let Ok(loaded) = &on_packages
            && (loaded.app.disagreement.is_none() && loaded.is_whole() || self.lacks_settings(loaded, settings))
        {
            return on_packages;
        }
        again();
        let alone = self.load_on(&self.runtime.base, settings, logs).await?;
        // What fails either way is none of the packages' fault.
        if alone.is_whole() {
            let why = match on_packages {
                Ok(loaded) => loaded.app.disagreement.unwrap_or_else(|| "it fails on them".to_owned()),
                Err(error) => error.to_string(),
            };
            self.give_up(packages, &why);
        }
        Ok(alone)
    }

    /// Whether it was loaded without settings that it wants: then it is of no use, whatever else is wrong with it.
    fn lacks_settings(&self, loaded: &Loaded, settings: &[(String, String)]) -> bool {
        settings != self.spec.settings && !are_alike(&loaded.app.settings_read, settings, &self.spec.settings)
    }

    async fn load_on(&self, ground: &Arc<Image>, settings: &[(String, String)], logs: Arc<dyn LogSink>) -> Result<Loaded, TemplateError> {
        let capture = Capture::default();
        let purpose = Purpose { capture: Some(capture.clone()), ..Purpose::logging(logs) };
        let mut instance = self.instance(ground, purpose)?;
        let configuration = self.configuration(settings);
        let warm_up = warm_up(&configuration);
        let app = instance.load(&configuration, &self.app(), LOAD_LIMIT).await.map_err(load_error)?;
        // Before the heap is tidied up, for what lasts of it; and after it, for what comes and goes.
        instance.warm_up(&warm_up, LOAD_LIMIT).await.map_err(load_error)?;
        let obstacles = instance.prepare_snapshot(LOAD_LIMIT).await.map_err(load_error)?;
        let memory = if obstacles.is_empty() {
            instance.warm_up(&warm_up, LOAD_LIMIT).await.map_err(load_error)?;
            Ok(self.copy(instance, &capture).await?)
        } else {
            Err(obstacles)
        };
        Ok(Loaded { app, memory, ground: ground.clone() })
    }

    /// The memory of an instance that is ready for it, which is none afterwards; with what lasts made immortal.
    pub(super) async fn copy(&self, instance: Instance, capture: &Capture) -> Result<Image, TemplateError> {
        instance.forget_folders(LOAD_LIMIT).await.map_err(load_error)?;
        let draft = capture.take().map_err(TemplateError::Image)?;
        // Another instance looks for what lasts, as looking leaves traces.
        let lasting = self.instance(draft.image(), self.purpose())?.lasting_objects(LOOK_LIMIT).await.unwrap_or_else(|error| {
            // The app may have changed what looks for them. It costs its instances a few pages each.
            tracing::warn!(%error, "what lasts of the app's memory can't be found");
            Vec::new()
        });
        let mark = |content: &mut [u8]| _ = immortal::mark(content, &lasting);
        draft.finish(mark).map_err(TemplateError::Image)
    }

    pub(super) fn fits(&self, snapshot: &Snapshot) -> bool {
        snapshot.fits(&self.spec.settings)
    }

    /// Instances begin with a snapshot's memory. What the app logged when that was made is logged again.
    fn adopt(&self, snapshot: &Snapshot, memory: &Memory) -> Result<(Origin, LoadedApp), TemplateError> {
        for record in &snapshot.records {
            let (level, logger, text) = record.parts();
            self.spec.logs.record(&LogRecord { level, logger, text, running: None });
        }
        tracing::debug!(pages = memory.pages(), runs = memory.runs().len(), "the app's memory differs from the guest's");
        let image = memory.image(&self.runtime.base, &self.runtime.cache).map_err(TemplateError::Image)?;
        let new: Vec<_> = self.spec.settings.iter().filter(|setting| !snapshot.platform.contains(setting)).cloned().collect();
        let configuration = Arc::new(self.configuration(&new));
        Ok((Origin::Image { image: Arc::new(image), configuration: Some(configuration) }, snapshot.loaded()))
    }

    /// Keeps a snapshot, meanwhile. What stands in the way of that is no error of the app.
    pub(super) fn keep(&self, snapshots: &Arc<Store>, identity: Identity, snapshot: Snapshot) {
        let snapshots = snapshots.clone();
        let public = |setting: &&(String, String)| !self.spec.platform.contains(setting) && setting.1.len() >= SHORTEST_SECRET;
        let secrets: Vec<_> = self.spec.settings.iter().filter(public).cloned().collect();
        self.runtime.keeping.begin(move || {
            let held = |value: &str| snapshot.memory.as_ref().is_some_and(|memory| memory.holds(value.as_bytes()));
            // It can't have come from `os.environ`, but the app may have read a file that holds it.
            if let Some((name, _)) = secrets.iter().find(|(_, value)| held(value)) {
                tracing::info!(name, "the app's memory holds the value of a setting: it is not kept on disk");
                return;
            }
            if let Err(error) = snapshots.keep(&identity, &snapshot) {
                tracing::warn!(%error, "the app's snapshot can't be kept: the next start loads the app again");
            }
        });
    }

    pub(super) fn configuration(&self, settings: &[(String, String)]) -> Configuration {
        Configuration { settings: settings.to_vec().into(), log_level: self.spec.log_level }
    }

    pub(super) fn app(&self) -> App {
        App {
            root: paths::APP.to_owned(),
            package_paths: self.spec.package_paths.clone(),
            functions: self.spec.functions.clone(),
            entry_file: self.spec.entry_file.clone(),
        }
    }
}

// === impl Loaded ===

impl Loaded {
    /// Whether all that there is could be loaded.
    fn is_whole(&self) -> bool {
        self.app.entry_file_error.is_none() && self.app.functions.iter().all(|function| function.error.is_none())
    }
}

// === impl Held ===

impl LogSink for Held {
    fn record(&self, record: &LogRecord<'_>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = record.logger.len() + record.text.len() + RECORD_COST;
        if kept.bytes + bytes > MOST_LOGGED {
            kept.dropped += 1;
            return;
        }
        kept.bytes += bytes;
        kept.records.push(KeptRecord::new(record.level, record.logger, record.text));
    }
}

impl Held {
    pub(super) fn take(&self) -> Vec<KeptRecord> {
        let Kept { mut records, dropped, .. } = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if dropped > 0 {
            let text = format!("{dropped} more records of loading the app were dropped: more than {} KiB are not kept", MOST_LOGGED >> 10);
            records.push(KeptRecord::new(Level::Warning, "snapfunc", &text));
        }
        records
    }
}

pub(super) fn load_error(error: InvokeError) -> TemplateError {
    match error {
        InvokeError::Raised(failure) => TemplateError::Load(failure),
        other => TemplateError::Died(other),
    }
}
