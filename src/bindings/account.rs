//! Storage accounts by the settings that name them: a binding's `connection`.
//!
//! A connection names an app setting, `AzureWebJobsStorage` where it is absent; `AzureWebJobsNAME` comes before `NAME`, and
//! `ConnectionStrings:NAME` before each, as in the WebJobs SDK (`GetWebJobsConnectionString`). The setting holds a connection string of Azure Storage, or
//! `UseSnapfuncStorage=FOLDER` for an embedded account.
//! Where `AzureWebJobsStorage` is not set at all, it is the app's own embedded account.

use crate::app::{Binding, FieldError, Settings};
use crate::storage::{ConnectionString, Quota, Storage, StorageError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, watch};

/// The connection of bindings that name none.
pub const DEFAULT: &str = "AzureWebJobsStorage";
/// Marks a connection string of this host's own.
const EMBEDDED: &str = "UseSnapfuncStorage";

/// All accounts that were used so far: open ones are shared, also by an app and the one that replaces it.
#[derive(Debug, Default)]
pub struct Stores(Mutex<Vec<Arc<Store>>>);

/// Where an account is.
#[derive(Debug, PartialEq)]
enum Target {
    Embedded(PathBuf),
    Azure(Box<ConnectionString>),
}

/// An account, open or not yet.
#[derive(Debug)]
struct Store {
    target: Target,
    storage: OnceCell<Storage>,
    /// Of an embedded account: what the app that was read last says.
    quota: Quota,
    /// Who waits for what this process sends and writes.
    watched: Mutex<HashMap<Place, watch::Sender<()>>>,
}

/// Where something may happen that others wait for.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Queue(String),
    Container(String),
}

/// What is known about the accounts of an app.
#[derive(Debug, Clone)]
pub struct Accounts {
    stores: Arc<Stores>,
    settings: Settings,
    /// Relative folders begin here.
    root: PathBuf,
    /// The app's own account.
    own: PathBuf,
    /// Bytes that an embedded account may hold.
    quota: u64,
}

/// An account as a binding knows it.
#[derive(Debug, Clone)]
pub struct Account {
    store: Arc<Store>,
    /// What it is called in errors: the setting's name.
    name: Arc<str>,
}

/// Storage that failed, with the setting that names it.
#[derive(Debug, thiserror::Error)]
#[error("{account}: {error}")]
pub struct AccountError {
    account: Arc<str>,
    error: StorageError,
}

// === impl Accounts ===

impl Accounts {
    /// The accounts of an app in the folder `root`, whose own account is in the folder `own`. Embedded ones may hold `quota` bytes.
    #[must_use]
    pub fn new(stores: Arc<Stores>, settings: Settings, root: &Path, own: &Path, quota: u64) -> Self {
        Accounts { stores, settings, root: root.to_owned(), own: own.to_owned(), quota }
    }

    /// The account of a binding. Doesn't touch it.
    ///
    /// # Errors
    /// `connection` names no setting, or one that is no connection string. The value is not shown.
    pub fn of(&self, binding: &Binding) -> Result<Account, FieldError> {
        let name = match binding.field("connection") {
            None => DEFAULT,
            Some(value) => match value.as_str() {
                Some("") => DEFAULT,
                Some(name) => name,
                None => return Err(binding.error("connection", "must be a text: the name of an app setting")),
            },
        };
        self.named(name).map_err(|problem| binding.error("connection", problem))
    }

    /// The account that a connection names. Doesn't touch it.
    ///
    /// # Errors
    /// What is wrong, as a sentence that goes on after `connection`.
    pub fn named(&self, connection: &str) -> Result<Account, String> {
        let prefixed = format!("AzureWebJobs{connection}");
        let [prefixed_string, string] = [prefixed.as_str(), connection].map(|name| format!("ConnectionStrings:{name}"));
        let names = [prefixed_string.as_str(), prefixed.as_str(), string.as_str(), connection];
        let value = |name| self.settings.get(name).filter(|value| !value.trim().is_empty());
        let Some((name, value)) = names.into_iter().find_map(|name| Some((name, value(name)?))) else {
            // `Storage` is its name without the prefix.
            let is_default = names.into_iter().any(|name| name.eq_ignore_ascii_case(DEFAULT));
            return if is_default { self.unset() } else { Err(self.why_none(connection)) };
        };
        let target = match embedded_folder(value) {
            Some(folder) if folder.is_empty() || folder.eq_ignore_ascii_case("true") => Target::Embedded(self.own.clone()),
            Some(folder) => Target::Embedded(self.root.join(folder)),
            None => {
                let string = value.parse().map_err(|error| format!("names the setting {name}, which is no connection string: {error}"))?;
                Target::Azure(Box::new(string))
            }
        };
        Ok(self.stores.account(target, &format!("setting {name}"), self.quota))
    }

    fn unset(&self) -> Result<Account, String> {
        match self.identity_based(DEFAULT) {
            Some(error) => Err(error),
            None => Ok(self.stores.account(Target::Embedded(self.own.clone()), "the embedded storage", self.quota)),
        }
    }

    fn why_none(&self, connection: &str) -> String {
        // It may hold a key, which nothing repeats.
        if connection.contains(['=', ';']) {
            return "must be the name of an app setting, but is a connection string itself: put that into a setting, and the setting's name here".into();
        }
        if connection.contains('%') {
            return format!("is {connection:?}, but names an app setting without `%`");
        }
        let unset = || format!("names the app setting {connection}, which is not set: set it to a connection string");
        self.identity_based(connection).unwrap_or_else(unset)
    }

    /// Connections that Azure signs in to by identity are made of several settings.
    fn identity_based(&self, connection: &str) -> Option<String> {
        let prefix = format!("{connection}__");
        let setting = self.settings.iter().map(|(name, _)| name).find(|name| name.starts_with(&prefix))?;
        Some(format!("is identity-based (setting {setting}), which this host can't do: set {connection} to a connection string"))
    }
}

// === impl Stores ===

impl Stores {
    fn account(&self, target: Target, name: &str, quota: u64) -> Account {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = stores.iter().find(|store| store.target == target).cloned();
        let store = known.unwrap_or_else(|| {
            let store = Arc::new(Store { target, storage: OnceCell::new(), quota: Quota::default(), watched: Mutex::default() });
            stores.push(store.clone());
            store
        });
        store.quota.set(quota);
        Account { store, name: name.into() }
    }
}

// === impl Account ===

impl Account {
    /// The account, opened. Cheap once it is.
    ///
    /// # Errors
    /// Where the folder can't be used, or TLS not be prepared.
    pub async fn storage(&self) -> Result<&Storage, AccountError> {
        let opening = async {
            match &self.store.target {
                Target::Embedded(folder) => Storage::embedded(folder, self.store.quota.clone()).await,
                Target::Azure(connection) => Storage::azure(connection),
            }
        };
        self.store.storage.get_or_try_init(|| opening).await.map_err(|error| self.error(error))
    }

    /// An error of the account's, with its name.
    #[must_use]
    pub fn error(&self, error: StorageError) -> AccountError {
        AccountError { account: self.name.clone(), error }
    }

    /// Whether two bindings use the same account.
    #[must_use]
    pub fn is_same(&self, other: &Account) -> bool {
        Arc::ptr_eq(&self.store, &other.store)
    }

    /// Whether looking at it costs nothing: it is on this machine.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.store.target, Target::Embedded(_))
    }

    /// Changes after a message was sent to a queue by this process; see [`Queues::changes`](crate::storage::Queues::changes).
    #[must_use]
    pub fn sent(&self, queue: &str) -> watch::Receiver<()> {
        self.watch(Place::Queue(queue.to_owned()))
    }

    /// Tells those who wait that a message was sent.
    pub fn tell_sent(&self, queue: &str) {
        self.tell(&Place::Queue(queue.to_owned()));
    }

    /// Changes after a blob was written to a container by this process.
    #[must_use]
    pub fn written(&self, container: &str) -> watch::Receiver<()> {
        self.watch(Place::Container(container.to_owned()))
    }

    /// Tells those who wait that a blob was written.
    pub fn tell_written(&self, container: &str) {
        self.tell(&Place::Container(container.to_owned()));
    }

    fn watch(&self, place: Place) -> watch::Receiver<()> {
        let mut watched = self.store.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(place).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    fn tell(&self, place: &Place) {
        if let Some(sender) = self.store.watched.lock().unwrap_or_else(PoisonError::into_inner).get(place) {
            sender.send_replace(());
        }
    }
}

// === impl AccountError ===

impl AccountError {
    /// What the storage says.
    #[must_use]
    pub fn storage(&self) -> &StorageError {
        &self.error
    }
}

/// The folder of `UseSnapfuncStorage=FOLDER`.
fn embedded_folder(connection: &str) -> Option<&str> {
    let (name, folder) = connection.trim().split_once('=')?;
    name.trim().eq_ignore_ascii_case(EMBEDDED).then(|| folder.trim().trim_end_matches(';').trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accounts(pairs: &[(&str, &str)]) -> Accounts {
        let settings: Settings = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Accounts::new(Arc::default(), settings, Path::new("/app"), Path::new("/own"), u64::MAX)
    }

    fn folder(account: &Account) -> &Path {
        match &account.store.target {
            Target::Embedded(folder) => folder,
            Target::Azure(_) => panic!("not embedded"),
        }
    }

    #[test]
    fn without_a_setting_it_is_the_apps_own() {
        for pairs in [&[][..], &[(DEFAULT, " ")], &[(DEFAULT, "UseSnapfuncStorage=true")], &[(DEFAULT, "usesnapfuncstorage = ;")]] {
            for connection in [DEFAULT, "Storage"] {
                assert_eq!(folder(&accounts(pairs).named(connection).unwrap()), Path::new("/own"));
            }
        }
        assert_eq!(folder(&accounts(&[("X", "UseSnapfuncStorage=data;")]).named("X").unwrap()), Path::new("/app/data"));
        assert_eq!(folder(&accounts(&[("X", "UseSnapfuncStorage=/data")]).named("X").unwrap()), Path::new("/data"));
    }

    #[test]
    fn a_prefixed_name_comes_first_and_accounts_are_shared() {
        let accounts =
            accounts(&[("X", "UseSnapfuncStorage=/a"), ("AzureWebJobsX", "UseSnapfuncStorage=/b"), ("Y", "UseSnapfuncStorage=/b")]);
        assert_eq!(folder(&accounts.named("X").unwrap()), Path::new("/b"));
        assert!(accounts.named("X").unwrap().is_same(&accounts.named("Y").unwrap()));
        let string = self::accounts(&[("ConnectionStrings:X", "UseSnapfuncStorage=/a"), ("X", "UseSnapfuncStorage=/b")]);
        assert_eq!(folder(&string.named("X").unwrap()), Path::new("/a"));
        let empty = self::accounts(&[("AzureWebJobsX", ""), ("X", "UseSnapfuncStorage=/a")]);
        assert_eq!(folder(&empty.named("X").unwrap()), Path::new("/a"));
    }

    #[test]
    fn what_names_nothing_is_said_without_values() {
        let accounts = accounts(&[("WRONG", "AccountName=secret-name"), ("ID__queueServiceUri", "https://x")]);
        for (connection, said) in [
            ("NONE", "names the app setting NONE, which is not set"),
            ("%NONE%", "without `%`"),
            ("AccountName=secret-name;AccountKey=c2VjcmV0", "is a connection string itself"),
            ("WRONG", "names the setting WRONG, which is no connection string"),
            ("ID", "is identity-based (setting ID__queueServiceUri)"),
        ] {
            let error = accounts.named(connection).unwrap_err();
            assert!(error.contains(said) && !error.contains("secret-name"), "{error}");
        }
        let fields = json!({"type": "queueTrigger", "name": "m", "connection": 1}).as_object().unwrap().clone();
        let error = accounts.of(&Binding::from_fields("f/function.json", fields).unwrap()).unwrap_err();
        assert_eq!(error.field, "m.connection");
    }
}
