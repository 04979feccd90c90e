//! Packages are imported before the app that has them, once for many loads of it: what that means for apps, seen from outside.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host, own_cache, search};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Says when it was imported, which a load on what was kept does not change.
const PACKAGE: &str = "import uuid\nMADE = str(uuid.uuid4())\n";
/// The setting that is there while packages are preloaded.
const FIRST: &str = "first-setting-of-this-test";
const PLACE: &str = ".python_packages/lib/site-packages";
/// The package's mark, the app's own, and a setting that was read at import.
const READS_SETTINGS: &str = "import os, package, uuid\nOWN = str(uuid.uuid4())\nLEVEL = os.environ['LEVEL']\n\ndef main(req):\n    \
                              return f'{package.MADE} {OWN} {LEVEL}'\n";

/// An app with a package, and a cache of its own.
struct Deployed {
    app: App,
    cache: TempDir,
}

impl Deployed {
    fn new(code: &str) -> Deployed {
        Deployed { app: App::with(code).file(&format!("{PLACE}/package.py"), PACKAGE), cache: own_cache() }
    }

    fn file(self, name: &str, content: &str) -> Deployed {
        Deployed { app: self.app.file(name, content), ..self }
    }

    /// Starts it with a setting.
    fn start(&self, level: &str) -> Host {
        let environment = [("SNAPFUNC_CACHE_DIR", self.cache.path().to_str().unwrap()), ("LEVEL", level)];
        self.app.start_with(&["--pass-env", "LEVEL"], &environment)
    }

    /// What it answers after a start.
    fn answer(&self, level: &str) -> Vec<String> {
        parts(&self.start(level))
    }

    /// How often packages have been preloaded, or were found not to be fit for it.
    fn preloaded(&self) -> usize {
        let files = fs::read_dir(self.cache.path().join("preloaded")).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|extension| extension == "snap")).count()
    }

    fn change(&self, code: &str) {
        fs::write(self.app.path().join("f/__init__.py"), code).unwrap();
    }

    /// Runs it until so much is preloaded, or is known not to be fit for it.
    fn run_until_preloaded(&self, count: usize) -> Vec<String> {
        let host = self.start(FIRST);
        let started = Instant::now();
        while self.preloaded() < count {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing is preloaded");
            thread::sleep(Duration::from_millis(20));
        }
        parts(&host)
    }
}

fn parts(host: &Host) -> Vec<String> {
    let answer = host.get("/api/f");
    assert_eq!(answer.status, 200, "{}", host.printed());
    answer.text().split(' ').map(str::to_owned).collect()
}

#[test]
fn an_app_that_reads_settings_finds_its_packages_imported() {
    let app = Deployed::new(READS_SETTINGS);
    let first = app.run_until_preloaded(1);
    let second = app.answer("second");
    let third = app.answer("third");
    assert_ne!(first[0], second[0]);
    assert_eq!(second[0], third[0], "the package was imported again");
    assert_ne!(second[1], third[1], "the app was not");
    assert_eq!([&first[2], &second[2], &third[2]], [FIRST, "second", "third"]);
    assert!(search(app.cache.path(), second[0].as_bytes()).1, "what was preloaded is looked at");
    assert!(!search(app.cache.path(), FIRST.as_bytes()).1, "the setting's value is on the disk");
}

#[test]
fn an_app_that_was_changed_finds_its_packages_imported() {
    let app = Deployed::new("import package\ndef main(req):\n    return package.MADE + ' 1'\n");
    app.run_until_preloaded(1);
    app.change("import package\ndef main(req):\n    return package.MADE + ' 2'\n");
    let host = app.start("");
    let second = parts(&host);
    app.change("import package\ndef main(req):\n    return package.MADE + ' 3'\n");
    host.wait_for_line("its new code is served");
    let third = parts(&host);
    assert_eq!((second[1].as_str(), third[1].as_str()), ("2", "3"));
    assert_eq!(second[0], third[0], "the package was imported again");
    // What it imports may depend on what it imports before.
    app.change("import json, package\ndef main(req):\n    return package.MADE + ' 4'\n");
    host.wait_for_line("its new code is served");
    let started = Instant::now();
    while parts(&host)[1] != "4" {
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    assert_ne!(parts(&host)[0], third[0]);
}

/// Whether an app like this one, without and with a change, does the same on its preloaded packages as it would without.
fn is_as_ever(app: Deployed, first: &str, changed: &str, expected: &str) {
    app.change(first);
    app.run_until_preloaded(1);
    app.change(changed);
    // Then it is known to be loaded alone, or not to be.
    for _ in 0..2 {
        assert_eq!(app.answer(""), [expected], "{changed}");
    }
}

#[test]
fn packages_find_what_the_app_prepared_for_them() {
    let app = || Deployed::new("").file(&format!("{PLACE}/asks.py"), "import os\nNAME = os.environ.get('NAME', 'none')\n");
    let code = |before: &str| format!("import os\n{before}import asks, package\ndef main(req):\n    return asks.NAME\n");
    is_as_ever(app(), &code(""), &code("os.environ['NAME'] = 'two'\n"), "two");
    is_as_ever(app(), &code("os.environ['NAME'] = 'one'\n"), &code("os.environ['NAME'] = 'two'\n"), "two");
}

#[test]
fn packages_are_imported_where_the_app_does_it_and_only_there() {
    let app = || {
        Deployed::new("")
            .file(&format!("{PLACE}/registry.py"), "names = []\n")
            .file(&format!("{PLACE}/plugin.py"), "import registry\nregistry.names.append('plugin')\n")
    };
    let code = |when: &str| {
        format!("import registry, package\nif {when}:\n    import plugin\ndef main(req):\n    return str(len(registry.names))\n")
    };
    is_as_ever(app(), &code("True"), &code("1 == 1"), "1");
    is_as_ever(app(), &code("True"), &code("False"), "0");
}

#[test]
fn an_app_that_fails_on_preloaded_packages_alone_is_loaded_without() {
    let started = "import time\nBEGAN = time.monotonic()\n";
    let code = |mark: &str| {
        let check = "if time.monotonic() - began.BEGAN > 1:\n    raise ImportError('it began long ago')\n";
        format!("import began, package, time\n{check}def main(req):\n    return '{mark}'\n")
    };
    let app = Deployed::new("").file(&format!("{PLACE}/began.py"), started);
    app.change(&code("one"));
    app.run_until_preloaded(1);
    thread::sleep(Duration::from_millis(1100));
    app.change(&code("two"));
    assert_eq!((app.answer(""), app.answer("")), (vec!["two".to_owned()], vec!["two".to_owned()]));
}

/// Its app says what is to become of that, before.
#[test]
fn what_packages_log_is_told_or_silenced_as_ever() {
    let warns = "import warnings\nwarnings.warn('old', FutureWarning)\n";
    let code = |before: &str| format!("import warnings\n{before}import warns, package\ndef main(req):\n    return 'ok'\n");
    let app = Deployed::new(&code("")).file(&format!("{PLACE}/warns.py"), warns);
    app.run_until_preloaded(1);
    for (before, told) in [("# \n", true), ("warnings.simplefilter('ignore')\n", false)] {
        app.change(&code(before));
        let host = app.start("");
        assert_eq!(parts(&host), ["ok"]);
        assert_eq!(host.lines().iter().filter(|line| line.contains("FutureWarning: old")).count(), usize::from(told), "{}", host.printed());
    }
}

#[test]
fn packages_that_read_settings_or_files_of_the_app_find_them_as_they_are() {
    let reads = "import os\nLEVEL = os.environ['LEVEL']\n";
    let configured = "VALUE = open('config.txt').read()\n";
    let code = "import configured, package, reads\ndef main(req):\n    return f'{reads.LEVEL} {configured.VALUE} {package.MADE}'\n";
    let app = Deployed::new(code)
        .file(&format!("{PLACE}/reads.py"), reads)
        .file(&format!("{PLACE}/configured.py"), configured)
        .file("config.txt", "one");
    assert_eq!(app.run_until_preloaded(1)[..2], [FIRST, "one"]);
    let second = app.answer("second");
    assert_eq!(second[..2], ["second", "one"]);
    fs::write(app.app.path().join("config.txt"), "two").unwrap();
    let third = app.answer("third");
    assert_eq!(third[..2], ["third", "two"]);
    assert_ne!(second[2], third[2]);
}

#[test]
fn instances_that_load_an_app_anew_find_its_packages_imported() {
    let code =
        "import os, package, uuid\nheld = open(__file__)\nOWN = str(uuid.uuid4())\ndef main(req):\n    return f'{package.MADE} {OWN}'\n";
    let app = Deployed::new(code);
    let app = Deployed { app: app.app.host_json(r#""snapfunc": {"isolation": "invocation"}"#), ..app };
    app.run_until_preloaded(1);
    let host = app.start("");
    let (first, second) = (parts(&host), parts(&host));
    assert_eq!(first[0], second[0], "the package was imported again");
    assert_ne!(first[1], second[1]);
}

#[test]
fn apps_do_not_share_what_is_preloaded() {
    let (one, other) = (Deployed::new(READS_SETTINGS), Deployed::new(READS_SETTINGS));
    one.run_until_preloaded(1);
    let made = one.answer("x").swap_remove(0);
    let other = Deployed { cache: one.cache, ..other };
    other.run_until_preloaded(2);
    assert_ne!(other.answer("x")[0], made);
}

#[test]
fn host_json_can_forbid_it() {
    let app = Deployed::new(READS_SETTINGS);
    let app = Deployed { app: app.app.host_json(r#""snapfunc": {"preloadPackages": false}"#), ..app };
    let (first, second, third) = (app.answer("x"), app.answer("x"), app.answer("x"));
    assert!(first[0] != second[0] && second[0] != third[0] && first[0] != third[0]);
    assert_eq!(app.preloaded(), 0);
}
