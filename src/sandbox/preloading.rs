//! An app's packages, imported before the app: so that an app whose own snapshot does not serve, as it reads settings or was changed, need not
//! import them.
//!
//! 1. Who loads an app learns from the guest what of its packages can be imported without it. That is done while the app is served already, and the
//!    memory is kept, by the identity of the packages and of what the app imports.
//! 2. The next load begins with that memory.
//! 3. The guest says if the app would have found its packages otherwise. Then it is loaded on the guest alone, and it is from then on; and so it is where
//!    it only fails with them.

use super::api::Preloadable;
use super::instance::{InvokeError, Purpose};
use super::preparation::{Held, LOAD_LIMIT, Preparation, load_error};
use super::slots::{Capture, Image};
use super::snapshot::{Identity, Memory, Snapshot};
use super::template::TemplateError;
use std::sync::Arc;

/// What is known of an app's packages.
pub(super) enum Packages {
    /// There are none, or the app is better loaded on the guest alone.
    None,
    /// Nobody tried to preload them yet.
    New(Identity),
    /// They are there.
    Preloaded(Identity, Arc<Image>),
}

// === impl Preparation ===

impl Preparation<'_> {
    /// The packages of an app.
    pub(super) fn packages(&self, identity: Option<Identity>) -> Packages {
        let Some(identity) = identity.filter(|_| self.spec.preload_packages) else { return Packages::None };
        match self.runtime.preloaded.find(&identity, usize::MAX) {
            None => Packages::New(identity),
            Some(snapshot) if !self.fits(&snapshot) => Packages::None,
            Some(Snapshot { memory: None, .. }) => Packages::None,
            Some(Snapshot { memory: Some(memory), .. }) => match memory.image(&self.runtime.base, &self.runtime.cache) {
                Ok(image) => Packages::Preloaded(identity, Arc::new(image)),
                Err(error) => {
                    tracing::warn!(%error, "the app's preloaded packages can't be used");
                    Packages::None
                }
            },
        }
    }

    /// From now on the app is loaded on the guest alone.
    pub(super) fn give_up(&self, packages: &mut Packages, why: &str) {
        tracing::debug!(why, "the app would have found its packages otherwise than they were preloaded: it is loaded again");
        if let Packages::Preloaded(identity, _) = std::mem::replace(packages, Packages::None) {
            self.keep(&self.runtime.preloaded, identity, Snapshot::default());
        }
    }

    /// Has packages of an app that was loaded preloaded for its next load, if there are such beside those that are there. Nobody waits for that.
    pub(super) fn preload_meanwhile(&self, packages: Packages, wanted: Preloadable) {
        let (identity, is_new) = match packages {
            Packages::None => return,
            Packages::New(identity) => (identity, true),
            Packages::Preloaded(identity, _) => (identity, false),
        };
        if wanted.modules.is_empty() {
            return;
        }
        let (runtime, spec, mounts) = (self.runtime.clone(), self.spec.clone(), self.mounts.clone());
        tokio::spawn(async move {
            let Ok(_turn) = runtime.preloading.acquire().await else { return };
            if is_new && runtime.preloaded.has(&identity) {
                return;
            }
            let preparation = Preparation { runtime: &runtime, spec: &spec, mounts: &mounts };
            let snapshot = match preparation.preload(&wanted).await {
                Ok(Ok(snapshot)) => snapshot,
                Ok(Err(why)) if is_new => {
                    tracing::debug!(why, "the app's packages can't be preloaded");
                    Snapshot::default()
                }
                Ok(Err(why)) => return tracing::debug!(why, "no more of the app's packages can be preloaded"),
                Err(error) => return tracing::debug!(%error, "the app's packages were not preloaded"),
            };
            // Files may have changed meanwhile.
            if preparation.identities().await.and_then(|found| found.packages).as_ref() == Some(&identity) {
                preparation.keep(&runtime.preloaded, identity, snapshot);
            }
        });
    }

    /// Preloads. The inner error is of the packages themselves, and will be there again.
    async fn preload(&self, wanted: &Preloadable) -> Result<Result<Snapshot, String>, TemplateError> {
        let (capture, held) = (Capture::default(), Arc::new(Held::default()));
        let purpose = Purpose { capture: Some(capture.clone()), ..Purpose::logging(held.clone()) };
        let mut instance = self.instance(&self.runtime.base, purpose)?;
        let configuration = self.configuration(&self.spec.platform);
        let settings_read = match instance.preload(&configuration, &self.app(), wanted, LOAD_LIMIT).await {
            Ok(names) => names,
            Err(InvokeError::Raised(failure)) => return Ok(Err(failure.message)),
            Err(error) => return Err(load_error(error)),
        };
        let obstacles = instance.prepare_snapshot(LOAD_LIMIT).await.map_err(load_error)?;
        if !obstacles.is_empty() {
            return Ok(Err(obstacles.join(", ")));
        }
        let memory = self.copy(instance, &capture).await?;
        // An app may have said before what is to become of that: by a filter of warnings, or a logger's level.
        if !held.take().is_empty() {
            return Ok(Err("they log or print something while they are imported".to_owned()));
        }
        let memory = Memory::of(memory.content(), self.runtime.base.content());
        Ok(Ok(Snapshot { settings_read, platform: self.spec.platform.clone(), memory: Some(memory), ..Snapshot::default() }))
    }
}
