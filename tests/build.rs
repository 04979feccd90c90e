//! `snapfunc build` and `snapfunc start FILE`: an app in one file.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, Host, free_port, own_cache, run_to_end, snapfunc};
use serde_json::json;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Output;

const CODE: &str = "import helper, uuid\nMADE = str(uuid.uuid4())\ndef main(req):\n    return f'{MADE} {helper.WORD}'\n";

/// Builds an app in the folder `target`, with a cache.
fn build(app: &App, target: &Path, cache: &Path) -> Output {
    let mut command = snapfunc(&[("SNAPFUNC_CACHE_DIR", cache.to_str().unwrap())]);
    command.args(["build", app.path().to_str().unwrap(), "-o"]).arg(target);
    run_to_end(command)
}

/// Starts a bundle, in a folder that holds nothing else.
fn start(bundle: &Path, cache: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Host {
    let port = free_port();
    let mut command = snapfunc(environment);
    command.env("SNAPFUNC_CACHE_DIR", cache).current_dir(bundle.parent().unwrap());
    command.arg("start").arg(bundle.file_name().unwrap()).args(["--port", &port.to_string()]).args(arguments);
    Host::spawn(command, port)
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// An entry of an archive: its type, its name, a link's target, its content.
type Entry = (tar::EntryType, String, String, Vec<u8>);

fn entry(kind: tar::EntryType, name: &str, target: &str) -> Entry {
    (kind, name.to_owned(), target.to_owned(), Vec::new())
}

/// What is in a bundle.
fn entries(bundle: &Path) -> Vec<Entry> {
    let bytes = fs::read(bundle).unwrap();
    let archive = zstd::decode_all(bytes.split_last_chunk::<32>().unwrap().0).unwrap();
    let mut archive = tar::Archive::new(archive.as_slice());
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let target = entry.link_name().unwrap().map(|target| target.to_str().unwrap().to_owned());
        (entry.header().entry_type(), entry.path().unwrap().to_str().unwrap().to_owned(), target.unwrap_or_default(), content)
    };
    archive.entries().unwrap().map(read).collect()
}

/// Writes a bundle as anybody can write one: with a digest that is right.
fn forge(bundle: &Path, entries: &[Entry]) {
    let mut archive = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for (kind, name, target, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Past the builder, which refuses some of them.
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        archive.append(&header, content.as_slice()).unwrap();
    }
    seal(bundle, archive.into_inner().unwrap().finish().unwrap());
}

fn seal(bundle: &Path, mut bytes: Vec<u8>) {
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    fs::write(bundle, bytes).unwrap();
}

/// What a start says that refuses a bundle; nothing of that may have been unpacked.
fn refusal(bundle: &Path) -> String {
    let cache = tempfile::tempdir().unwrap();
    let mut command = snapfunc(&[("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap())]);
    command.args(["start", "--port", "0"]).arg(bundle);
    let output = run_to_end(command);
    let text = printed(&output);
    assert!(output.status.code() == Some(1) && text.lines().count() == 1, "{text}");
    assert_eq!(fs::read_dir(cache.path().join("bundles")).unwrap().count(), 0, "{text}");
    text
}

#[test]
fn a_bundle_runs_elsewhere_without_sources_and_without_loading() {
    let app =
        App::with(CODE).file("helper.py", "WORD = 'bundled'").file("local.settings.json", r#"{"Values": {"SECRET": "in-no-bundle-51c0"}}"#);
    let (built_in, runs_in, elsewhere) = (own_cache(), own_cache(), tempfile::tempdir().unwrap());
    let bundle = elsewhere.path().join("app.snap");
    let output = build(&app, &bundle, built_in.path());
    assert!(output.status.success(), "{}", printed(&output));
    assert!(printed(&output).contains("app.snap"));
    drop(app);

    let unpacked = zstd::decode_all(fs::read(&bundle).unwrap().split_last_chunk::<32>().unwrap().0).unwrap();
    assert!(memchr::memmem::find(&unpacked, b"bundled").is_some());
    assert!(memchr::memmem::find(&unpacked, b"in-no-bundle-51c0").is_none(), "settings are in the bundle");

    let made = |host: &Host| host.get("/api/f").text().to_owned();
    let first = made(&start(&bundle, runs_in.path(), &[], &[]));
    assert!(first.ends_with(" bundled"), "{first}");
    assert_eq!(made(&start(&bundle, own_cache().path(), &[], &[])), first, "it was loaded anew instead of taken from the bundle");
}

#[test]
fn packages_come_along() {
    let code = "import packed\ndef main(req):\n    return packed.WORD\n";
    let outside = App::new().file("lib/python3.11/site-packages/packed.py", "WORD = 'outside'");
    let app = || App::with(code);
    for (app, environment, word) in [
        (app().file(".python_packages/lib/site-packages/packed.py", "WORD = 'target'"), None, "target"),
        (app().file(".venv/lib/python3.11/site-packages/packed.py", "WORD = 'inside'"), Some(".venv"), "inside"),
        (app().file("env/Lib/site-packages/packed.py", "WORD = 'other'"), Some("env"), "other"),
        (app(), Some(outside.path().to_str().unwrap()), "outside"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("a.snap");
        let mut command = snapfunc(&[]);
        command.arg("build").arg(app.path()).arg("-o").arg(&bundle);
        command.envs(environment.map(|environment| ("VIRTUAL_ENV", app.path().join(environment))));
        let output = run_to_end(command);
        assert!(output.status.success(), "{}", printed(&output));
        drop(app);
        assert_eq!(start(&bundle, own_cache().path(), &[], &[]).get("/api/f").text(), word);
    }
}

#[test]
fn what_funcignore_names_is_left_out() {
    let app = App::with(CODE).file("helper.py", "WORD = 'helped'\n").file("secret.env", "S").file("data/keep.env", "K");
    let app = app
        .file("tests/test_f.py", "")
        .file("f/test_inside.py", "")
        .file(".funcignore", "# ours\n*.env\n!keep.env\ntests/\n.python_packages\n");
    let app = app.file(".python_packages/lib/site-packages/package.py", "").file("local.settings.json", r#"{"Values": {}}"#);
    let (folder, cache) = (tempfile::tempdir().unwrap(), own_cache());
    let bundle = folder.path().join("app.snap");
    let built = build(&app, &bundle, cache.path());
    assert!(printed(&built).contains("snapfunc: .funcignore leaves out 2 files and folders of the app"), "{}", printed(&built));
    let mut names: Vec<String> = entries(&bundle).into_iter().map(|(_, name, ..)| name).filter(|name| name.starts_with("app/")).collect();
    names.sort();
    let package = "app/.python_packages/lib/site-packages/package.py";
    assert_eq!(names, [package, "app/data/keep.env", "app/f/__init__.py", "app/f/function.json", "app/f/test_inside.py", "app/helper.py"]);
    let elsewhere = [own_cache(), own_cache()];
    let made = elsewhere.each_ref().map(|cache| start(&bundle, cache.path(), &[], &[]).get("/api/f").text().to_owned());
    assert!(made[0] == made[1] && made[0].ends_with(" helped"), "it was not loaded again: {made:?}");

    let app = app.file(".funcignore", "helper.py\n");
    let refused = build(&app, &folder.path().join("other.snap"), cache.path());
    assert!(!refused.status.success() && printed(&refused).contains("No module named 'helper'"), "{}", printed(&refused));
}

#[test]
fn settings_come_when_it_starts() {
    let app = App::with(
        "import os\nAT_IMPORT = os.environ.get('LEVEL', 'none')\ndef main(req):\n    return AT_IMPORT + os.environ.get('LEVEL', 'none')\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let (bundle, cache) = (folder.path().join("a.snap"), own_cache());
    let output = build(&app, &bundle, cache.path());
    assert!(output.status.success(), "{}", printed(&output));
    drop(app);
    assert_eq!(start(&bundle, cache.path(), &[], &[]).get("/api/f").text(), "nonenone");
    // It looked at this one while it was loaded: then its files are loaded, as without a snapshot.
    let host = start(&bundle, cache.path(), &[("LEVEL", "high")], &["--pass-env", "LEVEL"]);
    assert_eq!(host.get("/api/f").text(), "highhigh");
}

#[test]
fn what_cannot_be_kept_is_said_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("a.snap");
    for (code, reason) in [
        ("import nothing_like_it\ndef main(req):\n    return ''\n", "f can't be loaded (see above)"),
        ("held = open(__file__)\ndef main(req):\n    return ''\n", "__init__.py is open"),
        ("import os\nALL = dict(os.environ)\ndef main(req):\n    return ''\n", "it reads all settings while it is imported"),
    ] {
        let output = build(&App::with(code), &bundle, own_cache().path());
        assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
        assert!(printed(&output).contains(reason), "{}", printed(&output));
        assert!(!bundle.exists());
    }
}

#[test]
fn what_is_no_bundle_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, cache) = (folder.path().join("a.snap"), own_cache());
    assert!(build(&App::with(CODE).file("helper.py", "WORD = ''"), &bundle, cache.path()).status.success());
    let whole = fs::read(&bundle).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for bytes in [&b""[..], b"not a bundle, but longer than a digest is", &whole[..whole.len() - 7], &flipped] {
        fs::write(&bundle, bytes).unwrap();
        let mut command = snapfunc(&[("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap())]);
        command.args(["start", "--port", "0"]).arg(&bundle);
        let output = run_to_end(command);
        assert_eq!(output.status.code(), Some(1));
        let text = printed(&output);
        assert!(text.contains("a.snap is no bundle of `snapfunc build`, or is damaged: ") && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn a_bundle_gives_its_code_nothing_of_the_machine() {
    use tar::EntryType;
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(outside.path().join("lib/python3.14/site-packages")).unwrap();
    fs::write(outside.path().join("lib/python3.14/site-packages/secret"), "secret").unwrap();
    let there = outside.path().to_str().unwrap();
    let (good, bad) = (folder.path().join("good.snap"), folder.path().join("bad.snap"));
    assert!(build(&App::with(EVAL), &good, own_cache().path()).status.success());
    let good = entries(&good);
    let without = |left_out: &str| good.iter().filter(|(_, name, ..)| !name.starts_with(left_out)).cloned().collect::<Vec<_>>();
    let environment = |inside: &str| {
        let text = (EntryType::Regular, "virtual-env".to_owned(), String::new(), inside.as_bytes().to_vec());
        [without("virtual-env"), vec![text]].concat()
    };
    let link = |name: &str, target: &str| vec![entry(EntryType::Symlink, name, target)];
    for (entries, reason) in [
        ([without("app"), link("app", there)].concat(), "\"app\" has no place in a bundle"),
        (without("app"), "it holds no app"),
        ([environment("venv"), link("venv", there)].concat(), "\"venv\" has no place in a bundle"),
        ([environment("venv"), link("venv/lib", there)].concat(), "\"venv/lib\" has no place in a bundle"),
        ([environment("venv"), link("venv/lib/python3/site-packages", "/")].concat(), "has no place in a bundle"),
        ([environment("venv"), link("venv/lib/python3.99/site-packages", "/")].concat(), "has no place in a bundle"),
        ([good.clone(), vec![entry(EntryType::Link, "app/hard", "/etc/passwd")]].concat(), "is neither a file"),
        ([good.clone(), vec![entry(EntryType::Fifo, "app/pipe", "")]].concat(), "is neither a file"),
        ([good.clone(), vec![entry(EntryType::Regular, "/etc/x", "")]].concat(), "\"/etc/x\" has no place in a bundle"),
        ([good.clone(), vec![entry(EntryType::Regular, "app/../../x", "")]].concat(), "has no place in a bundle"),
        (
            [good.clone(), link("app/link", there), vec![entry(EntryType::Regular, "app/link/x", "")]].concat(),
            "\"app/link/x\" lies behind \"app/link\", which is a link",
        ),
    ] {
        forge(&bad, &entries);
        // What is missing is seen when the rest is unpacked.
        let text = if reason == "it holds no app" { refused(&bad) } else { refusal(&bad) };
        assert!(text.contains("bad.snap is no bundle of `snapfunc build`, or is damaged: ") && text.contains(reason), "{text}");
    }
    for inside in [there, "/", "..", "app/../../..", "venv"] {
        forge(&bad, &environment(inside));
        let text = refused(&bad);
        assert!(text.contains("which is no place in a bundle"), "{inside}: {text}");
    }
    assert!(!outside.path().join("x").exists());

    // Links may be in an app, wherever they lead: nobody follows them.
    let links = [environment("app/env"), link("app/env", there), link("app/link", there), link("app/endless", "/dev/zero")].concat();
    forge(&bad, &links);
    let host = start(&bad, own_cache().path(), &[], &[]);
    let code = "
import os, sys
result = []
for path in ('link', 'env', 'env/lib/python3.14/site-packages', 'link/lib', 'endless', '/home/site/packages'):
    try: result.append(os.listdir(os.path.join('/home/site/wwwroot', path)))
    except OSError as error: result.append(type(error).__name__)
";
    let seen = host.eval(code);
    assert!(seen.as_array().unwrap().iter().all(|seen| seen.as_str().is_some_and(|seen| seen.ends_with("Error"))), "{seen}");
    assert_eq!(host.eval("result = 1"), json!(1));
}

/// What a start says that refuses a bundle.
fn refused(bundle: &Path) -> String {
    let cache = tempfile::tempdir().unwrap();
    let mut command = snapfunc(&[("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap())]);
    command.args(["start", "--port", "0"]).arg(bundle);
    let output = run_to_end(command);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    printed(&output)
}

#[test]
fn a_bundle_that_would_take_too_much_room_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = folder.path().join("bomb.snap");
    // Sizes that come true only as the archive is unpacked: a few KiB each.
    let of_size = |name: &str, bytes: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(bytes);
        header.set_mode(0o644);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let snapshot = format!("snapshot-{}", "0".repeat(64));
    for (head, reason) in [
        (of_size("app/zeros", (1 << 30) + 1), "its files take more than 1024 MiB"),
        (of_size(&snapshot, 1 << 31), "its snapshot takes more than 1024 MiB"),
        ((0..50_001).flat_map(|number| of_size(&format!("app/{number}"), 0)).collect(), "it holds more than 50000 files"),
    ] {
        seal(&bomb, zstd::encode_all(head.as_slice(), 1).unwrap());
        let text = refusal(&bomb);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn a_bundles_snapshot_serves_that_bundle_alone() {
    let app = App::with(CODE).file("helper.py", "WORD = 'its files are known'");
    let folder = tempfile::tempdir().unwrap();
    let (bundle, cache) = (folder.path().join("a.snap"), own_cache());
    assert!(build(&app, &bundle, own_cache().path()).status.success());
    let bundled = start(&bundle, cache.path(), &[], &[]).get("/api/f").text().to_owned();
    assert_eq!(start(&bundle, cache.path(), &[], &[]).get("/api/f").text(), bundled, "the bundle's own snapshot serves it");
    let own = app.start_with(&[], &[("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap())]);
    assert_ne!(own.get("/api/f").text(), bundled, "an app of the same files runs on the memory that came with a bundle");
}
