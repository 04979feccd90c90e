//! Snapshots by themselves: their bytes, where they are kept, and when they fit.

use super::format::{self, FormatError};
use super::*;
use crate::sandbox::api::paths;
use crate::sandbox::seal::Seal;
use crate::sandbox::slots::{Image, WASM_PAGE};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn failure() -> KeptFailure {
    KeptFailure { kind: "KeyError".into(), message: "'x'".into(), stack: "Traceback".into() }
}

fn snapshot(content: &[u8], base: &[u8]) -> Snapshot {
    Snapshot {
        functions: vec![
            KeptFunction { name: "good".into(), definition: Some("{}".into()), error: None },
            KeptFunction { name: "bad".into(), definition: None, error: Some(failure()) },
        ],
        entry_file_error: Some(failure()),
        settings_read: vec!["A".into()],
        platform: vec![("HOME".into(), "/home".into())],
        records: vec![KeptRecord::new(Level::Warning, "root", "loaded")],
        memory: Some(Memory::of(content, base)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bytes_become_the_same_snapshot(
        writes in prop::collection::vec((0..3 * WASM_PAGE, any::<u8>()), 0..50),
        pages in 1..=3_usize,
    ) {
        let base: Vec<u8> = (0..WASM_PAGE).map(|byte| (byte % 251) as u8).collect();
        let mut content = base.clone();
        content.resize(pages * WASM_PAGE, 0);
        for (place, byte) in writes {
            if let Some(place) = content.get_mut(place) {
                *place = byte;
            }
        }
        let before = snapshot(&content, &base);
        let bytes = format::encode(&before).unwrap();
        let after = format::decode(&bytes, usize::MAX).unwrap();
        prop_assert_eq!(&after, &before);
        let folder = tempfile::tempdir().unwrap();
        let image = after.memory.unwrap().image(&Image::in_memory(&base).unwrap(), folder.path()).unwrap();
        prop_assert!(image.content() == content);
    }

    #[test]
    fn whatever_the_bytes_are_nothing_breaks(noise in prop::collection::vec(any::<u8>(), 0..200), cut in 0..300_usize, place in 0..300_usize) {
        let mut bytes = format::encode(&snapshot(&[1; WASM_PAGE], &[0; WASM_PAGE])).unwrap();
        let _ = format::decode(&noise, usize::MAX);
        let _ = format::decode(&bytes[..cut.min(bytes.len())], usize::MAX);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= noise.first().copied().unwrap_or(1);
        }
        let _ = format::decode(&bytes, usize::MAX);
    }
}

#[test]
fn only_pages_that_differ_are_kept() {
    // What can't be compressed.
    let base: Vec<u8> = (0..16 * WASM_PAGE as u64).map(|number| (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let mut content = base.clone();
    content[5 * WASM_PAGE] ^= 1;
    let bytes = format::encode(&snapshot(&content, &base)).unwrap();
    assert!(bytes.len() < 2 * 4096, "{} bytes", bytes.len());
}

#[test]
fn others_are_refused_with_the_reason() {
    let bytes = format::encode(&snapshot(&[1; WASM_PAGE], &[0; WASM_PAGE])).unwrap();
    assert!(matches!(format::decode(b"PK\x03\x04", usize::MAX), Err(FormatError::Foreign)));
    let digest = memchr::memmem::find(&bytes, b"base").unwrap() + 10;
    let mut other = bytes.clone();
    other[digest] = if other[digest] == b'0' { b'1' } else { b'0' };
    assert!(matches!(format::decode(&other, usize::MAX), Err(FormatError::Base)));
    let mut newer = bytes.clone();
    newer[8] = 99;
    assert!(matches!(format::decode(&newer, usize::MAX), Err(FormatError::Version(99))));
    assert!(matches!(format::decode(&bytes[..20], usize::MAX), Err(FormatError::Damaged(_))));
}

#[test]
fn settings_that_were_looked_for_must_be_the_same() {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    let read = |names: &[&str]| Snapshot {
        settings_read: names.iter().map(|name| (*name).to_owned()).collect(),
        platform: pairs(&[("HOME", "/home")]),
        ..Snapshot::default()
    };
    let now = pairs(&[("HOME", "/home"), ("KEY", "secret")]);
    assert!(read(&[]).fits(&now));
    assert!(read(&["HOME", "NEVER_SET"]).fits(&now));
    assert!(!read(&["KEY"]).fits(&now));
    let elsewhere = pairs(&[("HOME", "/elsewhere")]);
    assert!(!read(&["HOME"]).fits(&elsewhere) && are_alike(&["HOME".to_owned()], &elsewhere, &elsewhere));
    assert!(!read(&["*"]).fits(&pairs(&[("HOME", "/home")])));
}

#[test]
fn a_store_gives_back_what_it_keeps_and_nothing_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), APPS, Seal::open(folder.path()).unwrap());
    let identity = identity_of("an app", &[]);
    assert!(store.find(&identity, usize::MAX).is_none());
    let kept = snapshot(&[7; WASM_PAGE], &[]);
    store.keep(&identity, &kept).unwrap();
    assert_eq!(store.find(&identity, usize::MAX), Some(kept));
    assert!(store.find(&identity_of("another app", &[]), usize::MAX).is_none());

    // As another app's, or a bundle's.
    let file = fs::read_dir(folder.path().join("snapshots")).unwrap().next().unwrap().unwrap().path();
    let other = identity_of("another app", &[]);
    fs::copy(&file, file.with_file_name(format!("{}.snap", other.name()))).unwrap();
    assert!(store.find(&other, usize::MAX).is_none());
    let bundled = folder.path().join("bundles/b/snapshots");
    fs::create_dir_all(&bundled).unwrap();
    fs::copy(&file, bundled.join(file.file_name().unwrap())).unwrap();
    let bundled = Store::open(folder.path(), "bundles/b/snapshots", Seal::open(folder.path()).unwrap());
    assert!(bundled.has(&identity) && bundled.find(&identity, usize::MAX).is_none());

    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(store.find(&identity, usize::MAX).is_none());
}

fn identities_of(description: &str, files: &[(&str, &str)]) -> Identities {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let inside = ".venv/lib/python3/site-packages";
    let packages: Vec<_> = folder.path().join(inside).exists().then(|| format!("{}/{inside}", paths::APP)).into_iter().collect();
    let content = Content::new(folder.path(), &packages, None, &["local.settings.json".to_owned()]);
    Identities::of(&Description::new(description), &content).unwrap().unwrap()
}

fn identity_of(description: &str, files: &[(&str, &str)]) -> Identity {
    identities_of(description, files).app
}

#[test]
fn an_app_is_the_same_as_long_as_its_files_are() {
    let venv = ".venv/lib/python3/site-packages/p.py";
    let identity = |files: &[(&str, &str)]| identity_of("", &[files, &[(venv, "")]].concat());
    let same = identity(&[("f/__init__.py", "1"), ("host.json", "{}")]);
    assert_eq!(identity(&[("host.json", "{}"), ("f/__init__.py", "1")]), same);
    assert_eq!(identity(&[("f/__init__.py", "1"), ("host.json", "{}"), ("local.settings.json", "secret"), (".git/x", "1")]), same);
    assert_eq!(identity(&[("f/__init__.py", "1"), ("host.json", "{}"), (".venv/bin/python", "1"), ("f/__pycache__/x", "1")]), same);
    assert_ne!(identity(&[("f/__init__.py", "1"), ("host.json", "{}"), (".venv/lib/python3/site-packages/q.py", "1")]), same);
    assert_ne!(identity(&[("f/__init__.py", "2"), ("host.json", "{}")]), same);
    assert_ne!(identity(&[("g/__init__.py", "1"), ("host.json", "{}")]), same);
    assert_ne!(identity(&[("f/__init__.py", "1"), ("host.json", "{}"), ("f/data", "")]), same);
    assert_ne!(identity(&[("f/__init__.py", "1h"), ("ost.json", "{}")]), same);
}

#[test]
fn packages_are_the_same_as_long_as_their_files_are_and_what_is_imported() {
    let packages = |files: &[(&str, &str)]| identities_of("", files).packages;
    let venv = ".venv/lib/python3/site-packages/p.py";
    let same = packages(&[("f/__init__.py", "import p\n1"), (venv, "x")]);
    assert!(same.is_some());
    assert_eq!(packages(&[("f/__init__.py", "2\n\timport p"), (venv, "x")]), same);
    assert_ne!(packages(&[("g/__init__.py", "import p\n1"), (venv, "x")]), same);
    assert_ne!(packages(&[("f/__init__.py", "import p\n1"), (venv, "y")]), same);
    assert_ne!(packages(&[("f/__init__.py", "import q\n1"), (venv, "x")]), same);
    assert_ne!(packages(&[("f/__init__.py", "import p\n1"), (venv, "x"), ("config.json", "")]), same);
    assert_eq!(packages(&[("f/__init__.py", "import p\n1")]), None);
}

#[test]
fn lines_that_import_are_found_with_those_that_go_on() {
    let code = b"import a\nx = (\n1)\nfrom b import (  # some\n    c,\n    d,\n)\ny\n  from e import f, \\\n    g\nz = __import__('h')\nimport i, j";
    let found: Vec<_> = identity::importing(code).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let expected =
        ["import a", "from b import (  # some", "c,", "d,", ")", "from e import f, \\", "g", "z = __import__('h')", "import i, j"];
    assert_eq!(found, expected);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_pipes_not_opened() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let of = |target: &Path| {
        let folder = tempfile::tempdir().unwrap();
        symlink(target, folder.path().join("link")).unwrap();
        symlink("/dev/zero", folder.path().join("endless")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(pipe.success());
        Identities::of(&Description::default(), &Content::new(folder.path(), &[], None, &[])).unwrap().unwrap()
    };
    let file = outside.path().join("file");
    fs::write(&file, "one").unwrap();
    let before = of(&file);
    fs::write(&file, "other").unwrap();
    assert_eq!(of(&file), before, "what is outside is none of the app's");
    assert_ne!(of(&outside.path().join("elsewhere")), before);
}

#[test]
fn few_bytes_do_not_become_much_memory() {
    let content = vec![1; 64 * WASM_PAGE];
    let bytes = format::encode(&snapshot(&content, &[])).unwrap();
    assert!(bytes.len() < WASM_PAGE);
    assert!(format::decode(&bytes, content.len()).is_ok());
    assert!(matches!(format::decode(&bytes, content.len() - 1), Err(FormatError::TooLarge { needs: 4, limit: 3 })));
}
