//! `snapfunc build` and `snapfunc start FILE`: an app in one file.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host, free_port, own_cache, run_to_end, snapfunc};
use std::fs;
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
