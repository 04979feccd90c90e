//! The files of keys: `host.json`, and `FUNCTION.json` for each function, in the format of the Functions host. Values are as they are in the file: those that
//! Azure has encrypted can't be read here.

use super::KeysError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Random bytes of a key.
const BYTES: usize = 40;

/// The folder.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

/// A key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What has to be given.
    pub value: String,
    #[serde(default)]
    encrypted: bool,
}

/// `host.json`
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HostSecrets {
    pub(super) master_key: Key,
    #[serde(default)]
    pub(super) function_keys: Vec<Key>,
    #[serde(default)]
    pub(super) system_keys: Vec<Key>,
}

/// `FUNCTION.json`
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct FunctionSecrets {
    #[serde(default)]
    pub(super) keys: Vec<Key>,
}

// === impl Key ===

impl Key {
    /// A key with this value, or a random one.
    pub(super) fn new(name: &str, value: Option<&str>) -> Key {
        let value = value.map_or_else(|| URL_SAFE.encode(rand::random::<[u8; BYTES]>()), str::to_owned);
        Key { name: name.to_owned(), value, encrypted: false }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:?}", self.name)
    }
}

// === impl HostSecrets ===

impl Default for HostSecrets {
    fn default() -> Self {
        HostSecrets { master_key: Key::new("master", None), function_keys: vec![Key::new("default", None)], system_keys: Vec::new() }
    }
}

// === impl Files ===

impl Files {
    pub(super) fn new(folder: PathBuf) -> Files {
        Files { folder }
    }

    /// `host.json`, which is made where it is missing.
    pub(super) fn host(&self) -> Result<HostSecrets, KeysError> {
        match self.read(&self.host_file())? {
            Some(host) => Ok(host),
            None => self.change(&self.host_file(), HostSecrets::default, |host: &mut HostSecrets| host.clone()),
        }
    }

    /// A function's file; as if it were empty where it is missing.
    pub(super) fn function(&self, function: &str) -> Result<FunctionSecrets, KeysError> {
        Ok(self.read(&self.function_file(function))?.unwrap_or_default())
    }

    /// Makes a function's file where it is missing, with one key.
    pub(super) fn prepare_function(&self, function: &str) -> Result<(), KeysError> {
        let file = self.function_file(function);
        if file.exists() {
            return Ok(());
        }
        self.change(&file, || FunctionSecrets { keys: vec![Key::new("default", None)] }, |_| ())
    }

    pub(super) fn change_host<T>(&self, change: impl FnOnce(&mut HostSecrets) -> T) -> Result<T, KeysError> {
        self.change(&self.host_file(), HostSecrets::default, change)
    }

    pub(super) fn change_function<T>(&self, function: &str, change: impl FnOnce(&mut FunctionSecrets) -> T) -> Result<T, KeysError> {
        self.change(&self.function_file(function), FunctionSecrets::default, change)
    }

    fn host_file(&self) -> PathBuf {
        self.folder.join("host.json")
    }

    fn function_file(&self, function: &str) -> PathBuf {
        self.folder.join(format!("{}.json", function.to_ascii_lowercase()))
    }

    fn read<T: DeserializeOwned>(&self, file: &Path) -> Result<Option<T>, KeysError> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| self.failed("read", unreadable(file, &error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Changes a file, while no other process does, and writes it whole.
    fn change<T, S>(&self, file: &Path, default: impl FnOnce() -> S, change: impl FnOnce(&mut S) -> T) -> Result<T, KeysError>
    where
        S: Serialize + DeserializeOwned,
    {
        let failed = |source| self.failed("written", source);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder).map_err(failed)?;
        let lock = private(&self.folder.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut secrets = self.read(file)?.unwrap_or_else(default);
        let result = change(&mut secrets);
        let partial = file.with_extension("partial");
        let bytes = serde_json::to_vec_pretty(&secrets).map_err(|error| failed(error.into()))?;
        let mut target = private(&partial).map_err(failed)?;
        target.write_all(&bytes).and_then(|()| target.sync_all()).and_then(|()| fs::rename(&partial, file)).map_err(failed)?;
        Ok(result)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> KeysError {
        KeysError::Io { folder: self.folder.clone(), what, source }
    }
}

/// Says where a file is wrong without showing what is in it.
fn unreadable(file: &Path, error: &serde_json::Error) -> io::Error {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is no file of keys (line {}): mend or delete it", error.line()))
}

/// A new, empty file that only its owner may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
