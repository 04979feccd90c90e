//! host.json: how the host treats the whole app.
//!
//! Fields, defaults and limits are those of the Functions host 4.x; keys ignore case, and keys that it doesn't know are left alone, because
//! other tools and later versions have theirs. The object `snapfunc` is this host's own: there an unknown key is an error. Nothing here
//! opens a file.

mod clients;
mod http;
mod logging;
mod overrides;
mod queues;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::{Node, Source, member};
use super::function::RetryPolicy;
use super::json::Document;
use super::origin::{ConfigError, FieldError, Origin};
use super::outbound::{Destination, DestinationError};

pub use clients::ClientLimits;
pub use http::{Hsts, HttpOptions};
pub use logging::{LogLevel, LogLevels, LogLimits};
pub use queues::{BlobOptions, MessageEncoding, QueueOptions};

/// The file's name.
pub(super) const FILE: &str = "host.json";

/// What host.json says, with the app settings over it and defaults for the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct HostConfig {
    /// The only functions to run, if there is such a list.
    pub functions: Option<Vec<String>>,
    /// How long an invocation may run. Default 30 minutes; `None` (`-1`): no limit.
    pub function_timeout: Option<Duration>,
    /// Which records are shown.
    pub log_levels: LogLevels,
    /// `extensions.http`.
    pub http: HttpOptions,
    /// `extensions.queues`.
    pub queues: QueueOptions,
    /// `extensions.blobs`.
    pub blobs: BlobOptions,
    /// The retry policy for functions that have none.
    pub retry: Option<RetryPolicy>,
    /// This host's own options.
    pub snapfunc: SnapfuncOptions,
    /// All of host.json after overrides, for whoever knows the other fields.
    pub raw: Map<String, Value>,
}

/// What an instance is used for: `isolation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// `instance`: one invocation after the other, so that module state lasts.
    #[default]
    Instance,
    /// `invocation`: one invocation only.
    Invocation,
}

/// The object `snapfunc` in host.json.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapfuncOptions {
    /// Memory of one instance, in MiB: 64 to 4096. Default 512.
    pub memory_mb: u32,
    /// Size of an invocation's `/tmp`, in MiB: 0 to 4096. Default 64.
    pub tmp_mb: u32,
    /// Whether an instance takes one invocation after the other, the default, or each invocation has one of its own.
    pub isolation: Isolation,
    /// The most instances at a time; `None`: the host chooses.
    pub max_instances: Option<u32>,
    /// Instances that are kept even if nobody uses them. Default 1.
    pub warm_instances: u32,
    /// How many seconds a queue message stays with the host that took it, unless that renews it: 1 to 604,800. `None`: ten minutes, as on Azure, and half a
    /// minute in the embedded storage, where renewing costs nothing.
    pub message_lease_seconds: Option<u32>,
    /// What the embedded storage may hold, in MiB: 1 to 16,777,216. Default 10,240. What the host keeps there itself may take an eighth more.
    pub storage_mb: u32,
    /// Whether packages may be imported before the app, so that its later loads need not. Default true.
    pub preload_packages: bool,
    /// How much each function may log.
    pub logs: LogLimits,
    /// What clients may cost: `http`.
    pub clients: ClientLimits,
    /// Where functions may connect to. Default: nowhere.
    pub outbound: Vec<Destination>,
    /// Names of environment variables that become app settings; `*` stands for any text.
    pub pass_env: Vec<String>,
}

/// host.json, interpreted.
#[derive(Debug)]
pub(super) struct Read {
    /// What it says.
    pub(super) config: HostConfig,
    /// Sentences about what was ignored.
    pub(super) notices: Vec<String>,
}

// === impl HostConfig ===

impl HostConfig {
    /// The options of an extension (`queues`, `blobs`), if host.json has any.
    pub fn extension(&self, name: &str) -> Option<&Map<String, Value>> {
        member(member(&self.raw, "extensions")?.as_object()?, name)?.as_object()
    }

    /// Reads host.json (`None`: there is none, which means defaults) with `settings` over it.
    pub(super) fn read<'a>(document: Option<Document>, settings: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Read, ConfigError> {
        let source = match document {
            Some(document) => Source::of(document),
            None => Source::without_text(FILE, json!({"version": "2.0"})),
        };
        // Settings over something else than an object would hide that the file is wrong.
        let merged = overrides::merge(source.root()?.value().clone(), settings);
        let source = source.overridden(merged.value, merged.overrides);
        let ignored =
            |name| format!("setting {name} is ignored: it doesn't name a place in host.json, as AzureFunctionsJobHost__a__b does");
        Ok(Read { config: HostConfig::of(&source.root()?)?, notices: merged.unusable.into_iter().map(ignored).collect() })
    }

    fn of(root: &Node<'_>) -> Result<HostConfig, FieldError> {
        match root.get("version") {
            Some(version) if version.value() == "2.0" => {}
            // A setting's text was read as a number.
            Some(version) if matches!(version.origin(), Origin::Setting { .. }) && version.text()? == "2.0" => {}
            Some(version) => return Err(version.expected("\"2.0\"")),
            None => return Err(root.missing("version", "add `\"version\": \"2.0\"`")),
        }
        let functions = match root.get("functions") {
            Some(functions) => Some(functions.texts()?).filter(|names| !names.is_empty()),
            None => None,
        };
        let log_levels = match root.section("logging")? {
            Some(logging) => logging.section("logLevel")?.map_or(Ok(LogLevels::default()), |levels| LogLevels::read(&levels))?,
            None => LogLevels::default(),
        };
        let extensions = root.section("extensions")?;
        let extension = |name| extensions.as_ref().map_or(Ok(None), |extensions| extensions.section(name));
        let http = extension("http")?.map_or(Ok(HttpOptions::default()), |http| HttpOptions::read(&http))?;
        let queues = extension("queues")?.map_or(Ok(QueueOptions::default()), |queues| QueueOptions::read(&queues))?;
        let blobs = extension("blobs")?.map_or(Ok(BlobOptions::default()), |blobs| BlobOptions::read(&blobs))?;
        Ok(HostConfig {
            functions,
            function_timeout: root.get("functionTimeout").map_or(Ok(Some(Duration::from_secs(30 * 60))), |node| timeout(&node))?,
            log_levels,
            http,
            queues,
            blobs,
            retry: root.section("retry")?.map(|retry| RetryPolicy::read(&retry)).transpose()?,
            snapfunc: root.section("snapfunc")?.map_or(Ok(SnapfuncOptions::default()), |node| SnapfuncOptions::read(&node))?,
            raw: root.value().as_object().cloned().unwrap_or_default(),
        })
    }
}

// === impl Isolation ===

impl Isolation {
    /// By its name in host.json, ignoring case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "instance" => Some(Isolation::Instance),
            "invocation" => Some(Isolation::Invocation),
            _ => None,
        }
    }
}

// === impl SnapfuncOptions ===

impl Default for SnapfuncOptions {
    fn default() -> Self {
        SnapfuncOptions {
            memory_mb: 512,
            tmp_mb: 64,
            isolation: Isolation::Instance,
            max_instances: None,
            warm_instances: 1,
            message_lease_seconds: None,
            storage_mb: 10 << 10,
            preload_packages: true,
            logs: LogLimits::default(),
            clients: ClientLimits::default(),
            outbound: Vec::new(),
            pass_env: Vec::new(),
        }
    }
}

impl SnapfuncOptions {
    /// What the embedded storage may hold.
    #[must_use]
    pub fn storage_bytes(&self) -> u64 {
        u64::from(self.storage_mb) << 20
    }

    fn read(node: &Node<'_>) -> Result<SnapfuncOptions, FieldError> {
        let mut options = SnapfuncOptions::default();
        let integer = |node: &Node<'_>, least, most| Ok(u32::try_from(node.integer(least, most)?).unwrap_or(u32::MAX));
        for (key, value) in node.members() {
            match key.to_ascii_lowercase().as_str() {
                _ if value.value().is_null() => {}
                "memorymb" => options.memory_mb = integer(&value, 64, 4096)?,
                "tmpmb" => options.tmp_mb = integer(&value, 0, 4096)?,
                "maxinstances" => options.max_instances = Some(integer(&value, 1, 10_000)?),
                "warminstances" => options.warm_instances = integer(&value, 0, 10_000)?,
                "messageleaseseconds" => options.message_lease_seconds = Some(integer(&value, 1, 604_800)?),
                "storagemb" => options.storage_mb = integer(&value, 1, 1 << 24)?,
                "preloadpackages" => options.preload_packages = value.flag()?,
                "logs" | "http" if !value.value().is_object() => return Err(value.expected("an object `{…}`")),
                "logs" => options.logs = LogLimits::read(&value)?,
                "http" => options.clients = ClientLimits::read(&value)?,
                "isolation" => options.isolation = isolation(&value)?,
                "outbound" => options.outbound = outbound(&value)?,
                "passenv" => options.pass_env = value.texts()?,
                _ => {
                    return Err(value.error(
                        "is not an option of snapfunc: there are memoryMb, tmpMb, isolation, maxInstances, warmInstances, messageLeaseSeconds, storageMb, preloadPackages, logs, http, outbound and passEnv",
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn outbound(node: &Node<'_>) -> Result<Vec<Destination>, FieldError> {
    let destination = |node: &Node<'_>| {
        node.text()?.parse().map_err(|error: DestinationError| {
            let shown = if node.is_secret() { error.without_text() } else { error.to_string() };
            node.error(shown)
        })
    };
    node.items()?.iter().map(destination).collect()
}

fn isolation(node: &Node<'_>) -> Result<Isolation, FieldError> {
    let wrong = || node.expected("`instance` (one invocation after the other in it) or `invocation` (a new instance for each)");
    Isolation::from_name(&node.text()?).ok_or_else(wrong)
}

/// `-1`, or a time span of at least a second (the Functions host's `MinFunctionTimeout`).
fn timeout(node: &Node<'_>) -> Result<Option<Duration>, FieldError> {
    if node.text()?.trim() == "-1" {
        return Ok(None);
    }
    match node.duration() {
        Ok(timeout) if timeout >= Duration::from_secs(1) => Ok(Some(timeout)),
        Ok(_) => Err(node.error("must be at least one second (`00:00:01`), or `-1` for no limit")),
        Err(error) => Err(FieldError { problem: format!("{}, or `-1` for no limit", error.problem), ..error }),
    }
}

#[cfg(test)]
mod tests;
