//! Instances are copies of one memory: what that means for apps, seen from outside.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, cache, own_cache, search};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const ONE_EACH: &str = r#""snapfunc": {"isolation": "invocation"}"#;

#[test]
fn copies_draw_different_random_numbers() {
    let host = App::with(EVAL).host_json(ONE_EACH).start();
    let code = "import os, random, secrets, uuid\nresult = [random.random(), random.randrange(2**60), str(uuid.uuid4()), secrets.token_hex(), os.urandom(8).hex()]";
    let drawn: Vec<_> = (0..10).map(|_| host.eval(code)).collect();
    for number in 0..5 {
        assert_eq!(drawn.iter().map(|all| all[number].to_string()).collect::<BTreeSet<_>>().len(), 10, "{drawn:?}");
    }
}

#[test]
fn hooks_run_before_the_copy_and_in_each() {
    let code = "import snapfunc, uuid\nlog = []\n\n@snapfunc.before_snapshot\ndef before():\n    log.append('before')\n\n@snapfunc.after_restore\ndef after():\n    \
                log.append(str(uuid.uuid4()))\n\ndef main(req):\n    return ' '.join(log)\n";
    let host = App::with(code).host_json(ONE_EACH).start();
    let answers: BTreeSet<_> = (0..5).map(|_| host.get("/api/f").text().to_owned()).collect();
    assert_eq!(answers.len(), 5);
    assert!(answers.iter().all(|answer| answer.starts_with("before ") && answer.split(' ').count() == 2), "{answers:?}");
}

#[test]
fn the_warm_up_function_runs_before_the_copy() {
    let warm = r#"[{"type": "warmupTrigger", "direction": "in", "name": "warmupContext"}]"#;
    let app = App::with("from shared import warmed\n\ndef main(req):\n    return str(warmed)\n")
        .file("shared.py", "warmed = []\n")
        .function("warm", warm, "from shared import warmed\n\ndef main(warmupContext):\n    print('warming')\n    warmed.append(type(warmupContext).__name__)\n")
        .host_json(ONE_EACH);
    // From loading the app, then from its snapshot.
    for _ in 0..2 {
        let host = app.start();
        assert_eq!((host.get("/api/f").text(), host.get("/api/f").text()), ("['WarmUpContext']", "['WarmUpContext']"));
        assert_eq!(host.lines().iter().filter(|line| *line == "warming").count(), 1, "{}", host.printed());
    }
    let failing = app.file("warm/__init__.py", "def main(warmupContext):\n    raise ValueError('too cold')\n").start();
    failing.wait_for_line("the warm-up function warm failed");
    failing.wait_for_line("ValueError: too cold");
    assert_eq!(failing.get("/api/f").text(), "[]");
}

#[test]
fn a_hook_that_raises_fails_the_invocation() {
    let code =
        "import snapfunc\n@snapfunc.after_restore\ndef after():\n    raise ValueError('in the hook')\ndef main(req):\n    return 'ok'\n";
    let host = App::with(code).host_json(ONE_EACH).start();
    assert_eq!((host.get("/api/f").status, host.get("/api/f").status), (500, 500));
    host.wait_for_line("Exception: ValueError: in the hook");
}

#[test]
fn an_app_that_holds_a_file_open_is_told_and_runs() {
    let code = "import os\nheld = open(os.path.join(os.path.dirname(__file__), 'data.txt'))\ndef main(req):\n    held.seek(0)\n    return held.read()\n";
    let host = App::with(code).file("f/data.txt", "held").host_json(ONE_EACH).start();
    host.wait_for_line("snapfunc: the file /home/site/wwwroot/f/data.txt is open");
    assert_eq!((host.get("/api/f").text(), host.get("/api/f").text()), ("held", "held"));
}

#[test]
fn settings_are_there_at_import_and_nowhere_on_disk() {
    const SECRET: &str = "a-setting-that-no-file-may-hold-8c1f";
    let code = "import os\nAT_IMPORT = os.environ['KEY']\ndef main(req):\n    return AT_IMPORT + ' ' + os.environ['KEY']\n";
    let app = App::with(code).file("local.settings.json", format!("{{\"Values\": {{\"KEY\": \"{SECRET}\"}}}}"));
    let host = app.start();
    assert_eq!(host.get("/api/f").text(), format!("{SECRET} {SECRET}"));
    assert!(!host.printed().contains(SECRET));
    let (files, found) = search(&cache(), SECRET.as_bytes());
    assert!(files >= 2, "the cache holds {files} files");
    assert!(!found, "a file of the cache holds the setting's value");
}

#[test]
fn the_next_start_takes_the_snapshot() {
    let code = "import uuid\nMADE = str(uuid.uuid4())\nprint('imported')\ndef main(req):\n    return MADE\n";
    let app = App::with(code);
    let first = app.start();
    first.wait_for_line("imported");
    let made = first.get("/api/f").text().to_owned();
    drop(first);
    let second = app.start();
    assert_eq!(second.get("/api/f").text(), made, "it was imported again");
    second.wait_for_line("imported");
    drop(second);

    let changed = app.file("f/__init__.py", format!("{code}# changed\n")).start();
    assert_ne!(changed.get("/api/f").text(), made, "the old code runs");
}

#[test]
fn settings_come_with_each_start() {
    let code = "import os, uuid\nMADE = str(uuid.uuid4())\ndef main(req):\n    return MADE + ' ' + os.environ['GREETING']\n";
    let app = App::with(code).host_json(ONE_EACH);
    let started = |greeting: &str| {
        let host = app.start_with(&["--pass-env", "GREETING"], &[("GREETING", greeting)]);
        let answer = host.get("/api/f").text().to_owned();
        answer.split_once(' ').map(|(made, greeting)| (made.to_owned(), greeting.to_owned())).unwrap()
    };
    let (first, second) = (started("Hello from the first start"), started("Hello from the second start"));
    assert_eq!((first.1.as_str(), second.1.as_str()), ("Hello from the first start", "Hello from the second start"));
    assert_eq!(first.0, second.0, "it was imported again");
    assert!(!search(&cache(), b"Hello from the first start").1);
}

#[test]
fn an_app_that_looks_at_settings_is_imported_with_them() {
    let code = "import os, uuid\nMADE = str(uuid.uuid4())\nAT_IMPORT = os.environ.get('LEVEL', 'none')\nprint('imported')\ndef main(req):\n    return MADE + ' ' + AT_IMPORT\n";
    let app = App::with(code);
    let started = |level: Option<&str>| {
        let environment: Vec<_> = level.map(|level| ("LEVEL", level)).into_iter().collect();
        let host = app.start_with(&["--pass-env", "LEVEL"], &environment);
        let answer = host.get("/api/f").text().to_owned();
        assert_eq!(host.lines().iter().filter(|line| line.as_str() == "imported").count(), 1);
        answer
    };
    // As long as it is not set, a snapshot serves.
    assert_eq!(started(None), started(None));
    let (low, high) = (started(Some("low")), started(Some("high")));
    assert!(low.ends_with(" low") && high.ends_with(" high"), "{low} {high}");
    assert_ne!(low.split(' ').next(), high.split(' ').next());
}

#[test]
fn a_snapshot_that_somebody_changed_is_not_used() {
    let app = App::with("import uuid\nMADE = str(uuid.uuid4())\ndef main(req):\n    return MADE\n");
    let own = own_cache();
    let start = || app.start_with(&[], &[("SNAPFUNC_CACHE_DIR", own.path().to_str().unwrap())]);
    let made = start().get("/api/f").text().to_owned();
    assert_eq!(start().get("/api/f").text(), made);
    let snapshot = fs::read_dir(own.path().join("snapshots")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&snapshot, bytes).unwrap();
    assert_ne!(start().get("/api/f").text(), made);
}

#[test]
fn a_snapshot_of_another_app_is_not_used() {
    let code = |name: &str| format!("import uuid\nMADE = '{name} ' + str(uuid.uuid4())\ndef main(req):\n    return MADE\n");
    let apps = [App::with(&code("one")), App::with(&code("other"))];
    let own = own_cache();
    let answers = || {
        apps.each_ref()
            .map(|app| app.start_with(&[], &[("SNAPFUNC_CACHE_DIR", own.path().to_str().unwrap())]).get("/api/f").text().to_owned())
    };
    let made = answers();
    assert_eq!(answers(), made);
    let snapshots: Vec<_> = fs::read_dir(own.path().join("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [first, second] = snapshots.as_slice() else { panic!("{snapshots:?}") };
    let (content, other) = (fs::read(first).unwrap(), fs::read(second).unwrap());
    fs::write(first, other).unwrap();
    fs::write(second, content).unwrap();
    let again = answers();
    assert!(again[0].starts_with("one ") && again[1].starts_with("other "), "{again:?}");
    assert!(again.iter().all(|answer| !made.contains(answer)), "{again:?}");
}

#[test]
fn a_snapshot_of_another_version_is_made_anew() {
    let app = App::with("import uuid\nMADE = str(uuid.uuid4())\ndef main(req):\n    return MADE\n");
    let own = own_cache();
    let start = || app.start_with(&[], &[("SNAPFUNC_CACHE_DIR", own.path().to_str().unwrap())]);
    let made = start().get("/api/f").text().to_owned();
    let snapshot = fs::read_dir(own.path().join("snapshots")).unwrap().next().unwrap().unwrap().path();
    // As another version would have written it: of another guest, and with a digest that is right.
    let (mut bytes, key) = (fs::read(&snapshot).unwrap(), fs::read(own.path().join("key")).unwrap());
    bytes.truncate(bytes.len() - 32);
    let base = memchr::memmem::find(&bytes, b"\"base\":\"").unwrap() + 8;
    bytes[base] = if bytes[base] == b'0' { b'1' } else { b'0' };
    let place = format!("snapshots/{}", snapshot.file_name().unwrap().to_str().unwrap());
    let mut hasher = blake3::Hasher::new_keyed(&key.try_into().unwrap());
    hasher.update(&(place.len() as u64).to_le_bytes()).update(place.as_bytes()).update(&bytes);
    let digest = hasher.finalize();
    bytes.extend_from_slice(digest.as_bytes());
    fs::write(&snapshot, bytes).unwrap();
    let again = start().get("/api/f").text().to_owned();
    assert_ne!(again, made);
    assert_eq!(start().get("/api/f").text(), again, "the one that was made anew is kept");
}

#[test]
fn compiled_code_that_somebody_changed_is_made_again() {
    let app = App::with("def main(req):\n    return 'fine'\n");
    let own = own_cache();
    let start = || app.start_with(&[], &[("SNAPFUNC_CACHE_DIR", own.path().to_str().unwrap())]);
    assert_eq!(start().get("/api/f").text(), "fine");
    for end in [".cwasm", ".img"] {
        // Those of earlier builds may be there too.
        let named = |path: &PathBuf| path.to_string_lossy().ends_with(end);
        let files: Vec<_> = fs::read_dir(own.path()).unwrap().map(|entry| entry.unwrap().path()).filter(named).collect();
        let read = || files.iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>();
        let before = read();
        for (file, content) in files.iter().zip(&before) {
            let mut changed = content.clone();
            let middle = changed.len() / 2;
            changed[middle..middle + 64].fill(0xCC);
            fs::write(file, changed).unwrap();
        }
        assert_eq!(start().get("/api/f").text(), "fine");
        assert!(read().iter().zip(&before).any(|(after, before)| after == before), "{end} was not made again");
    }
}
