//! Keys: who may call a function, and the admin API.
//!
//! The master key opens everything. A host key opens all functions of level `function`, a function's own key that function. A system key opens neither (it is
//! for the webhooks of extensions). Files and rules are those of the Functions host 4.x (`FileSystemSecretsRepository`, `SecretManager`,
//! `AuthenticationLevelHandler`).
//!
//! [`files`](self) reads and writes them; this module keeps what was read and compares. What is compared are digests, in constant time, with all keys that
//! there are: neither a key's length nor which one was nearly right can be told from the time that it takes. No key is ever logged.

mod files;

use crate::app::is_function_name;
use crate::bindings::http::AuthLevel;
use files::{Files, FunctionSecrets, HostSecrets};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use files::Key;

/// The name of the master key in lists, beside that in the file, as the Functions host has it.
const MASTER: [&str; 2] = ["master", "_master"];
/// How long what was read is taken for true: a key that was changed counts soon after.
const FRESH: Duration = Duration::from_millis(500);

/// An app's keys, in a folder of files.
pub struct Keys {
    files: Files,
    read: Mutex<Read>,
}

/// What a key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All functions; the master key is here too.
    Host,
    /// The webhooks of extensions.
    System,
    /// One function.
    Function(String),
}

/// The files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file can't be read or written.
    #[error("the keys in {} can't be {what}: {source}", folder.display())]
    Io {
        /// Where they are.
        folder: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The master key is always there.
    #[error("the master key can't be deleted: rotate it")]
    Master,
    /// Only letters, digits and a few marks are in a key's name.
    #[error("{0:?} is no name of a key: use letters, digits, `-` and `_`")]
    Name(String),
    /// Its file would be another one: `host` is no function's name, as that is the host's.
    #[error("{0:?} is no name of a function")]
    Function(String),
    /// There is no such key.
    #[error("there is no key {0}")]
    Missing(String),
}

#[derive(Default)]
struct Read {
    at: Option<Instant>,
    host: Option<Arc<HostSecrets>>,
    functions: Vec<(String, Arc<FunctionSecrets>)>,
}

// === impl Keys ===

impl Keys {
    /// The keys in a folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Keys { files: Files::new(folder), read: Mutex::default() }
    }

    /// Makes the master key and a host key where there are none. Blocks the thread.
    ///
    /// # Errors
    /// The files can't be used.
    pub fn prepare(&self) -> Result<(), KeysError> {
        self.host().map(drop)
    }

    /// Whether a key opens a level, of a function where there is one. Blocks the thread for a moment when the files have to be read.
    ///
    /// # Errors
    /// The files can't be used.
    pub fn opens(&self, key: Option<&str>, level: AuthLevel, function: Option<&str>) -> Result<bool, KeysError> {
        if level == AuthLevel::Anonymous {
            return Ok(true);
        }
        let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(false) };
        let given = blake3::hash(key.as_bytes());
        // `blake3::Hash` is compared in constant time; `|` looks at all of them.
        let is = |known: &Key| blake3::hash(known.value.as_bytes()) == given;
        let any = |keys: &[Key]| keys.iter().fold(false, |found, known| found | is(known));
        let host = self.host()?;
        let master = is(&host.master_key);
        if level == AuthLevel::Admin {
            return Ok(master);
        }
        let mut found = master | any(&host.function_keys);
        if let Some(function) = function {
            found |= any(&self.function(function)?.keys);
        }
        Ok(found)
    }

    /// The keys of a scope. The master key is not among them.
    ///
    /// # Errors
    /// The files can't be used.
    pub fn list(&self, scope: &Scope) -> Result<Vec<Key>, KeysError> {
        scope.check()?;
        Ok(match scope {
            Scope::Host => self.host()?.function_keys.clone(),
            Scope::System => self.host()?.system_keys.clone(),
            Scope::Function(function) => {
                self.files.prepare_function(function)?;
                self.forget();
                self.function(function)?.keys.clone()
            }
        })
    }

    /// The master key.
    ///
    /// # Errors
    /// The files can't be used.
    pub fn master(&self) -> Result<Key, KeysError> {
        Ok(self.host()?.master_key.clone())
    }

    /// Sets a key, or makes one of random bytes. Says whether it is new.
    ///
    /// # Errors
    /// The files can't be used, or the name can't be a key's.
    pub fn set(&self, scope: &Scope, name: &str, value: Option<&str>) -> Result<(Key, bool), KeysError> {
        scope.check()?;
        let valid = (1..=127).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !valid {
            return Err(KeysError::Name(name.to_owned()));
        }
        let is_master = *scope == Scope::Host && is_master(name);
        let key = Key::new(if is_master { MASTER[0] } else { name }, value);
        let is_new = match scope {
            Scope::Host if is_master => self.files.change_host(|host| {
                host.master_key = key.clone();
                false
            }),
            Scope::Host => self.files.change_host(|host| put(&mut host.function_keys, &key)),
            Scope::System => self.files.change_host(|host| put(&mut host.system_keys, &key)),
            Scope::Function(function) => self.files.change_function(function, |secrets| put(&mut secrets.keys, &key)),
        }?;
        self.forget();
        Ok((key, is_new))
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// The files can't be used; it is the master key, or there is none of that name.
    pub fn delete(&self, scope: &Scope, name: &str) -> Result<(), KeysError> {
        scope.check()?;
        if *scope == Scope::Host && is_master(name) {
            return Err(KeysError::Master);
        }
        let found = match scope {
            Scope::Host => self.files.change_host(|host| take(&mut host.function_keys, name)),
            Scope::System => self.files.change_host(|host| take(&mut host.system_keys, name)),
            Scope::Function(function) => self.files.change_function(function, |secrets| take(&mut secrets.keys, name)),
        }?;
        self.forget();
        if found { Ok(()) } else { Err(KeysError::Missing(name.to_owned())) }
    }

    fn host(&self) -> Result<Arc<HostSecrets>, KeysError> {
        if let Some(host) = self.fresh().host.clone() {
            return Ok(host);
        }
        let host = Arc::new(self.files.host()?);
        self.fresh().host = Some(host.clone());
        Ok(host)
    }

    fn function(&self, function: &str) -> Result<Arc<FunctionSecrets>, KeysError> {
        let known = self.fresh().functions.iter().find(|(name, _)| name == function).map(|(_, secrets)| secrets.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let secrets = Arc::new(self.files.function(function)?);
        self.fresh().functions.push((function.to_owned(), secrets.clone()));
        Ok(secrets)
    }

    /// What was read a moment ago; what is older is forgotten.
    fn fresh(&self) -> std::sync::MutexGuard<'_, Read> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.at.is_none_or(|at| at.elapsed() > FRESH) {
            *read = Read { at: Some(Instant::now()), ..Read::default() };
        }
        read
    }

    fn forget(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Read::default();
    }
}

// === impl Scope ===

impl Scope {
    /// Whether there is a file for it, and one of its own: code may declare functions with names that none can have.
    fn check(&self) -> Result<(), KeysError> {
        match self {
            Scope::Function(name) if !is_function_name(name) => Err(KeysError::Function(name.clone())),
            Scope::Host | Scope::System | Scope::Function(_) => Ok(()),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Whether a name is the master key's.
#[must_use]
pub fn is_master(name: &str) -> bool {
    MASTER.iter().any(|master| master.eq_ignore_ascii_case(name))
}

/// Puts a key in the place of the one of its name; whether there was none.
fn put(keys: &mut Vec<Key>, key: &Key) -> bool {
    match keys.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&key.name)) {
        Some(known) => {
            *known = key.clone();
            false
        }
        None => {
            keys.push(key.clone());
            true
        }
    }
}

fn take(keys: &mut Vec<Key>, name: &str) -> bool {
    let before = keys.len();
    keys.retain(|key| !key.name.eq_ignore_ascii_case(name));
    keys.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::new(folder.path().join("secrets"));
        (folder, keys)
    }

    #[test]
    fn levels_open_for_their_keys_alone() {
        let (_folder, keys) = keys();
        let master = keys.master().unwrap().value;
        let host = keys.list(&Scope::Host).unwrap()[0].value.clone();
        let own = keys.list(&Scope::Function("f".into())).unwrap()[0].value.clone();
        let system = keys.set(&Scope::System, "ext", None).unwrap().0.value;
        let opens = |key: &str, level, function| keys.opens(Some(key), level, Some(function)).unwrap();
        for (key, function, other, admin) in
            [(&master, true, true, true), (&host, true, true, false), (&own, true, false, false), (&system, false, false, false)]
        {
            assert_eq!(opens(key, AuthLevel::Function, "f"), function);
            assert_eq!(opens(key, AuthLevel::Function, "g"), other);
            assert_eq!(opens(key, AuthLevel::Admin, "f"), admin);
        }
        for wrong in [None, Some(""), Some("wrong"), Some(&master[1..])] {
            assert!(!keys.opens(wrong, AuthLevel::Function, Some("f")).unwrap());
            assert!(keys.opens(wrong, AuthLevel::Anonymous, Some("f")).unwrap());
        }
    }

    #[test]
    fn keys_last_and_can_be_changed_and_deleted() {
        let (folder, keys) = keys();
        let before = keys.master().unwrap().value;
        assert_eq!(before.len(), 56, "40 bytes in Base64");
        let again = Keys::new(folder.path().join("secrets"));
        assert_eq!(again.master().unwrap().value, before);
        assert!(!keys.set(&Scope::Host, "_master", None).unwrap().1);
        assert_ne!(keys.master().unwrap().value, before);
        assert!(keys.set(&Scope::Host, "mine", Some("value")).unwrap().1);
        assert!(keys.opens(Some("value"), AuthLevel::Function, None).unwrap());
        keys.delete(&Scope::Host, "MINE").unwrap();
        assert!(!keys.opens(Some("value"), AuthLevel::Function, None).unwrap());
        assert!(matches!(keys.delete(&Scope::Host, "mine"), Err(KeysError::Missing(_))));
        assert!(matches!(keys.delete(&Scope::Host, "master"), Err(KeysError::Master)));
        assert!(matches!(keys.set(&Scope::Host, "../x", None), Err(KeysError::Name(_))));
        for name in ["host", "HOST", "../x", ""] {
            let function = Scope::Function(name.into());
            assert!(matches!(keys.set(&function, "mine", None), Err(KeysError::Function(_))), "{name}");
            assert!(matches!(keys.list(&function), Err(KeysError::Function(_))), "{name}");
            assert!(matches!(keys.delete(&function, "mine"), Err(KeysError::Function(_))), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, keys) = keys();
        keys.prepare().unwrap();
        keys.list(&Scope::Function("F".into())).unwrap();
        let secrets = folder.path().join("secrets");
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(secrets.clone()), mode(secrets.join("host.json")), mode(secrets.join("f.json"))), (0o700, 0o600, 0o600));
    }
}
