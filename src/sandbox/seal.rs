//! A keyed digest on what is kept in the cache folder: who doesn't have the key can't put anything there that would be used.
//!
//! The key is a file in the same folder, which only its owner can read. So a seal protects against those who can write single files (a restored back-up, a tool that
//! synchronises folders, a disk that lies), not against somebody who has all of the owner's rights.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes of a key, and of a digest.
const BYTES: usize = 32;

/// The key of a cache folder.
#[derive(Clone)]
pub(super) struct Seal([u8; BYTES]);

// === impl Seal ===

impl Seal {
    /// The cache folder's key; made where it is missing. The folder must be private.
    pub(super) fn open(cache: &Path) -> io::Result<Seal> {
        let path = cache.join("key");
        if let Some(seal) = read(&path)? {
            return Ok(seal);
        }
        let partial = cache.join(format!("key.partial-{}", std::process::id()));
        create_secret(&partial)?.write_all(&rand::random::<[u8; BYTES]>())?;
        // Whoever comes first wins: a link is not made over a file that is there.
        let linked = fs::hard_link(&partial, &path);
        fs::remove_file(&partial)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        read(&path)?.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file `key` is not a key: delete it"))
    }

    /// Puts the digest behind some bytes.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        let digest = self.digest(bytes);
        bytes.extend_from_slice(digest.as_bytes());
    }

    /// The bytes before the digest, if that is right.
    pub(super) fn check<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (bytes, digest) = sealed.split_last_chunk::<BYTES>()?;
        // In constant time: `blake3::Hash` compares so.
        (self.digest(bytes) == blake3::Hash::from_bytes(*digest)).then_some(bytes)
    }

    /// The digest of what is kept without it behind.
    pub(super) fn digest(&self, bytes: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.0, bytes)
    }

    /// The digest of what is in a file.
    pub(super) fn digest_of(&self, mut file: &File) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // Pieces that stay in the processor's cache between reading and hashing.
        let mut piece = vec![0; 256 << 10];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finalize()),
                read => hasher.update(&piece[..read]),
            };
        }
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

/// Nothing where there is no such file, or one that no key can be.
fn read(path: &Path) -> io::Result<Option<Seal>> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes.try_into().ok().map(Seal)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn create_secret(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_secret(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lasts_and_is_secret() {
        let folder = tempfile::tempdir().unwrap();
        let mut sealed = b"content".to_vec();
        Seal::open(folder.path()).unwrap().put(&mut sealed);
        assert_eq!(Seal::open(folder.path()).unwrap().check(&sealed), Some(&b"content"[..]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(folder.path().join("key")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the key");
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        let mut sealed = b"content".to_vec();
        seal.put(&mut sealed);
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert_eq!(seal.check(&changed), None);
        }
        assert_eq!(seal.check(&sealed[1..]), None);
        assert_eq!(seal.check(&[]), None);
        let other = tempfile::tempdir().unwrap();
        assert_eq!(Seal::open(other.path()).unwrap().check(&sealed), None);
    }
}
