//! Instances are copies of one memory: what that means for apps, seen from outside.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, cache};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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

/// How many files a folder holds, and whether one of them holds a text. The standard library's folders are left out: nothing writes there.
fn search(folder: &Path, text: &[u8]) -> (usize, bool) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    let holds = |path: &Path| memchr::memmem::find(&fs::read(path).unwrap_or_default(), text).is_some();
    (files.len(), files.iter().any(|path| holds(path)))
}
