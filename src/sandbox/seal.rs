//! A keyed digest on what is kept in the cache folder: who doesn't have the key can't put anything there that would be used. It holds for one place in the folder:
//! what a bundle brought along as its snapshot is no compiled code, and the memory of one app not that of another.
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

    /// Puts the digest behind some bytes that are for a place in the cache folder.
    pub(super) fn put(&self, place: &str, bytes: &mut Vec<u8>) {
        let digest = self.digest(place, bytes);
        bytes.extend_from_slice(digest.as_bytes());
    }

    /// The bytes before the digest, if that is right for what is at the place.
    pub(super) fn check<'a>(&self, place: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (bytes, digest) = sealed.split_last_chunk::<BYTES>()?;
        // In constant time: `blake3::Hash` compares so.
        (self.digest(place, bytes) == blake3::Hash::from_bytes(*digest)).then_some(bytes)
    }

    /// The digest of what is kept at a place without it behind.
    pub(super) fn digest(&self, place: &str, bytes: &[u8]) -> blake3::Hash {
        self.hasher(place).update(bytes).finalize()
    }

    /// The digest of what is in the file at a place.
    pub(super) fn digest_of(&self, place: &str, mut file: &File) -> io::Result<blake3::Hash> {
        let mut hasher = self.hasher(place);
        // Pieces that stay in the processor's cache between reading and hashing.
        let mut piece = vec![0; 256 << 10];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finalize()),
                read => hasher.update(&piece[..read]),
            };
        }
    }

    /// Begins with the place, and its length, so that no content can look like a part of it.
    fn hasher(&self, place: &str) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(place.len() as u64).to_le_bytes()).update(place.as_bytes());
        hasher
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
        Seal::open(folder.path()).unwrap().put("a", &mut sealed);
        assert_eq!(Seal::open(folder.path()).unwrap().check("a", &sealed), Some(&b"content"[..]));
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
        seal.put("a", &mut sealed);
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert_eq!(seal.check("a", &changed), None);
        }
        assert_eq!(seal.check("a", &sealed[1..]), None);
        assert_eq!(seal.check("a", &[]), None);
        let other = tempfile::tempdir().unwrap();
        assert_eq!(Seal::open(other.path()).unwrap().check("a", &sealed), None);
    }

    #[test]
    fn a_seal_holds_for_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        let mut sealed = b"bcontent".to_vec();
        seal.put("a", &mut sealed);
        assert_eq!(seal.check("b", &sealed), None);
        assert_eq!(seal.check("ab", &sealed[1..]), None);
        fs::write(folder.path().join("b"), "bcontent").unwrap();
        let file = File::open(folder.path().join("b")).unwrap();
        assert_eq!(seal.digest_of("a", &file).unwrap().as_bytes(), sealed.last_chunk::<BYTES>().unwrap());
        assert_ne!(seal.digest("b", b"bcontent"), seal.digest("a", b"bcontent"));
    }
}
