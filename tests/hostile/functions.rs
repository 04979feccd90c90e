//! From inside: functions that go for the machine, for others, and for all they can get.

use super::common::store::Store;
use super::common::{App, EVAL, HTTP, Host};
use std::fs;
use std::os::unix;
use std::path::Path;
use std::process::Command;
use std::thread;

/// What is refused here is refused at once, but the machine may be busy.
const SMALL: &str = r#""functionTimeout": "00:01:00", "snapfunc": {"maxInstances": 2, "memoryMb": 128, "tmpMb": 8}"#;

/// Runs code that does harm and must have a failure for it, and sees that the next request is served.
fn fails(host: &Host, code: &str, exception: &str) {
    let mark = host.mark();
    assert_eq!(host.post("/api/f", code).status, 500, "{code}\n{}", host.printed());
    assert_eq!(host.eval("result = 1"), 1, "after {code}");
    let lines = host.lines_until(mark, "(Succeeded, ");
    assert!(lines.iter().any(|line| line.starts_with(&format!("Exception: {exception}"))), "{code}: {lines:?}");
}

fn status_kib(host: &Host, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(host: &Host) -> usize {
    fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count()
}

#[test]
fn links_that_lead_out_of_the_app_lead_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let app = App::with(EVAL);
    unix::fs::symlink(outside.path(), app.path().join("folder")).unwrap();
    unix::fs::symlink(outside.path().join("secret"), app.path().join("file")).unwrap();
    unix::fs::symlink("../../../../../../../..", app.path().join("up")).unwrap();
    let host = app.start();
    assert!(!host.printed().contains("will not be noticed"), "the links are not watched: {}", host.printed());
    let code = "
import os
result = []
for path in paths:
    try:
        result.append(open(path).read())
    except OSError as error:
        result.append(type(error).__name__)
";
    let root = "/home/site/wwwroot";
    let absolute = outside.path().join("secret").display().to_string();
    let paths = [
        format!("{root}/folder/secret"),
        format!("{root}/file"),
        format!("{root}/up/etc/passwd"),
        format!("{root}/../../../etc/passwd"),
        format!("{root}/../../..{absolute}"),
        absolute,
        "/etc/passwd".into(),
        "/proc/self/environ".into(),
        "/tmp/../etc/passwd".into(),
        "../../../etc/passwd".into(),
    ];
    let seen = host.eval(&format!("paths = {}\n{code}", serde_json::to_string(&paths).unwrap()));
    for (path, seen) in paths.iter().zip(seen.as_array().unwrap()) {
        let seen = seen.as_str().unwrap();
        assert!(["PermissionError", "FileNotFoundError", "OSError"].contains(&seen), "{path}: {seen}");
    }
    // What is made at run time: links and renames between the folders that it has.
    let made = r"
import errno, os
result = {}
os.symlink('../etc/passwd', '/tmp/link'); os.symlink('../../../../etc', '/tmp/folder'); open('/tmp/own', 'w').close()
for name, attempt in {
    'absolute link': lambda: os.symlink('/etc/passwd', '/tmp/absolute'),
    'read link': lambda: open('/tmp/link').read(),
    'read folder': lambda: open('/tmp/folder/passwd').read(),
    'rename into': lambda: os.rename('/tmp/own', '/home/site/wwwroot/own'),
    'rename out of': lambda: os.rename('/home/site/wwwroot/f/__init__.py', '/tmp/host.json'),
    'hard link out of': lambda: os.link('/home/site/wwwroot/f/__init__.py', '/tmp/hard'),
    'hard link into': lambda: os.link('/tmp/own', '/home/site/wwwroot/hard'),
    'hard link within': lambda: os.link('/home/site/wwwroot/f/__init__.py', '/home/site/wwwroot/hard'),
    'hard link of a link': lambda: os.link('/home/site/wwwroot/file', '/home/site/wwwroot/hard'),
    'link in the app': lambda: os.symlink('/etc', '/home/site/wwwroot/etc'),
    'append': lambda: open('/home/site/wwwroot/f/__init__.py', 'a'),
    'create': lambda: os.open('/home/site/wwwroot/new', os.O_WRONLY | os.O_CREAT),
    'create in root': lambda: os.open('/new', os.O_WRONLY | os.O_CREAT),
}.items():
    try:
        attempt(); result[name] = 'done'
    except OSError as error:
        result[name] = errno.errorcode[error.errno]
";
    let results = host.eval(made);
    for (attempt, result) in results.as_object().unwrap() {
        let expected = match attempt.as_str() {
            "rename into" | "rename out of" | "hard link out of" | "hard link into" => "EXDEV",
            "create in root" => "ENOENT",
            _ => "EPERM",
        };
        assert_eq!(result, expected, "{attempt}: {results}");
    }
    assert_eq!(results.as_object().unwrap().len(), 13);
    assert_eq!(host.eval("import os; result = os.stat('/home/site/wwwroot/f/__init__.py').st_nlink"), 1);
    assert!(!app.path().join("hard").exists() && !app.path().join("own").exists() && !app.path().join("new").exists());
}

/// Makes a named pipe, whose other end nobody opens.
fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_is_no_file_is_neither_read_nor_waited_for() {
    let app = App::with(EVAL).function("g", HTTP, "").file("data/x", "");
    for name in ["pipe", "f/pipe", "data/pipe"] {
        pipe(&app.path().join(name));
    }
    for (name, target) in [("endless", "/dev/zero"), ("pages", "/proc/self/pagemap"), ("data/link", "../pipe"), ("console", "/dev/tty")] {
        unix::fs::symlink(target, app.path().join(name)).unwrap();
    }
    fs::remove_file(app.path().join("g/function.json")).unwrap();
    pipe(&app.path().join("g/function.json"));
    fs::create_dir_all(app.path().join(".python_packages/lib")).unwrap();
    fs::create_dir_all(app.path().join("h")).unwrap();
    unix::fs::symlink("/dev/zero", app.path().join("h/function.json")).unwrap();
    unix::fs::symlink("/dev/zero", app.path().join(".python_packages/lib/snapfunc.json")).unwrap();
    fs::write(app.path().join("requirements.txt"), "azure-functions\n").unwrap();
    let host = app.start();
    assert!(host.printed().contains("g/function.json: is not a regular file"), "{}", host.printed());
    assert!(host.printed().contains("h/function.json: leads out of the app's folder"), "{}", host.printed());
    let code = "
import os
result = []
for path in ('pipe', 'f/pipe', 'data/link', 'endless', 'pages', 'console'):
    for attempt in (open, os.listdir, lambda path: os.open(path, os.O_RDONLY | os.O_NONBLOCK)):
        try:
            attempt('/home/site/wwwroot/' + path); result.append(path)
        except OSError as error: result.append(type(error).__name__)
";
    let seen = host.eval(code);
    assert!(seen.as_array().unwrap().iter().all(|seen| seen.as_str().unwrap().ends_with("Error")), "{seen}");
    assert!(status_kib(&host, "VmHWM") < 2 << 20, "{} KiB", status_kib(&host, "VmHWM"));
    // It is watched too: what changes is still noticed.
    fs::write(app.path().join("f/__init__.py"), format!("{EVAL}# changed\n")).unwrap();
    host.wait_for_line("the app has changed: its new code is served");
    drop(host);
    for name in ["requirements.txt", "host.json", "local.settings.json"] {
        let app = App::with(EVAL);
        pipe(&app.path().join(name));
        let output = app.run_to_end(&[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&format!("{name}: is not a regular file")), "{told}");
    }
}

#[test]
fn listings_of_folders_are_limited() {
    let app = App::with(EVAL).host_json(SMALL);
    let long = "x".repeat(240);
    fs::create_dir(app.path().join("full")).unwrap();
    for number in 0..2000 {
        fs::write(app.path().join(format!("full/{long}{number}")), "").unwrap();
    }
    let host = app.start();
    let hoard = |folder: &str| {
        format!(
            "
import errno, os
held, result = [], []
for _ in range(1000):
    try:
        listing = os.scandir('{folder}')
        next(listing); held.append(listing)
    except OSError as error:
        result = [len(held), errno.errorcode[error.errno]]
        break
for listing in held: listing.close()
result.append(len(os.listdir('{folder}')))
"
        )
    };
    for _ in 0..2 {
        assert_eq!(host.eval(&hoard("/home/site/wwwroot/f")), serde_json::json!([64, "ENOMEM", 2]));
        let full = host.eval(&hoard("/home/site/wwwroot/full"));
        assert!((8..40).contains(&full[0].as_u64().unwrap()) && full[1] == "ENOMEM" && full[2] == 2000, "{full}");
        let tmp = format!("open('/tmp/x', 'w').close()\n{}", hoard("/tmp"));
        assert_eq!(host.eval(&tmp), serde_json::json!([64, "ENOMEM", 1]));
    }
}

#[test]
fn what_is_long_is_refused_and_what_is_much_is_given() {
    let host = App::with(EVAL).host_json(SMALL).start();
    let code = "
import errno, os
from wit_world.imports import streams
result = []
try: streams.open('\\x01' * (8 << 20))
except Exception as error: result.append(error.value)
for path in ('/home/site/wwwroot/', '/tmp/'):
    for attempt in (os.stat, os.mkdir, os.readlink):
        try: attempt(path + './' * (1 << 20) + 'x')
        except OSError as error: result.append(errno.errorcode[error.errno])
file = os.open('/home/site/wwwroot/f/__init__.py', os.O_RDONLY)
os.fsync(file)
result.append(len(os.urandom(4 << 20)))
";
    let told = "there is no stream of such a long name now: it can be read only while its invocation runs";
    let long = "ENAMETOOLONG";
    assert_eq!(host.eval(code), serde_json::json!([told, long, long, long, long, long, long, 4 << 20]));
}

#[test]
fn tmp_takes_its_share_and_no_more_and_is_empty_again() {
    let host = App::with(EVAL).host_json(SMALL).start();
    let fill = r"
import errno, os
result = [os.listdir('/tmp')]
try:
    with open('/tmp/big', 'wb') as file:
        for _ in range(1000): file.write(bytes(1 << 16))
except OSError as error: result.append(errno.errorcode[error.errno])
os.truncate('/tmp/big', 0)
with open('/tmp/other', 'wb', buffering=0) as file:
    try:
        for _ in range(1000): file.write(bytes(1 << 16))
    except OSError: pass
    os.remove('/tmp/big'); file.seek(0); file.truncate(0)
    result.append('again' if file.write(b'x') == 1 else 'full')
with open('/tmp/sparse', 'wb') as file: file.truncate(1 << 30)  # holds nothing
try:
    for number in range(10 ** 6): open(f'/tmp/{number}', 'w').close()
except OSError as error: result.append(error.errno in (errno.ENOSPC, errno.EDQUOT))
";
    let before = descriptors(&host);
    for _ in 0..3 {
        assert_eq!(host.eval(fill), serde_json::json!([[], "EIO", "again", true]));
    }
    assert!(descriptors(&host) <= before + 8, "nothing of it is open on the machine");
}

#[test]
fn a_stream_ends_with_its_invocation() {
    const BLOB: &str = r#", {"type": "blob", "direction": "DIRECTION", "name": "blob", "path": "kept/{name}"}]"#;
    let with_blob = |direction| format!("{}{}", HTTP.trim_end_matches(']'), BLOB.replace("DIRECTION", direction));
    let write = "def main(req, blob):\n    blob.set(b'x' * 1_000_000)\n    return 'written'\n";
    let read = "
kept = []
def main(req, blob):
    kept.append(blob)
    try:
        return str([len(blob.read(100_000)) for blob in kept[:1]])
    except OSError as error:
        return str(error)
";
    let app = App::new().function("write", &with_blob("out"), write).function("read", &with_blob("in"), read);
    let host = app.host_json(r#""snapfunc": {"maxInstances": 1}"#).start();
    assert_eq!(host.get("/api/write?name=one").text(), "written");
    assert_eq!(host.get("/api/read?name=one").text(), "[100000]");
    assert_eq!(host.get("/api/read?name=one").text(), "its invocation is over: a stream can be read only while that runs");
}

#[test]
fn memory_is_bounded_for_each_and_for_all() {
    let host = App::with(EVAL).host_json(SMALL).start();
    fails(&host, "x = [0] * 10 ** 10", "OverflowError");
    fails(&host, "x = [0] * 10 ** 9", "MemoryError");
    fails(&host, "x = b''\nwhile True: x += bytes(1 << 20)", "MemoryError");
    fails(&host, "x = 'x'\nwhile True: x = x + x", "MemoryError");
    let before = status_kib(&host, "VmHWM");
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| host.post("/api/f", "x = []\nwhile True: x.append(bytearray(1 << 18))").status);
        }
    });
    assert_eq!(host.eval("result = 1"), 1);
    // Two instances of 128 MiB each at a time; what was the most before is already above one.
    let grown = status_kib(&host, "VmHWM").saturating_sub(before) >> 10;
    assert!(grown < 2 * 128 + 64, "it grew by {grown} MiB");
}

#[test]
fn time_is_bounded_inside_of_one_call_too() {
    let host = App::with(EVAL).host_json(&SMALL.replace("01:00", "00:01")).start();
    for endless in [
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        "10 ** 10 ** 8",
        "sum(iter(int, 1))",
        "import time; time.sleep(10 ** 9)",
        "import threading\nwhile True: threading.Event().wait(1)",
        "import asyncio\nasyncio.run(asyncio.sleep(10 ** 9))",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import hashlib; hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10 ** 9)",
    ] {
        fails(&host, endless, "FunctionTimeoutException: it ran longer than 1 second");
    }
}

#[test]
fn who_waits_for_nobody_is_told() {
    let host = App::with(EVAL).host_json(SMALL).start();
    for endless in
        ["import threading; threading.Event().wait()", "import queue; queue.Queue().get()", "import threading; threading.Barrier(2).wait()"]
    {
        fails(&host, endless, "RuntimeError: this would wait for ever");
    }
    fails(
        &host,
        "import asyncio\nasyncio.run(asyncio.Event().wait())",
        "RuntimeError: the event loop waits for something that can never happen",
    );
    // Nothing of Python's can be put in the place of this.
    fails(&host, "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()", "InterpreterDied");
}

#[test]
fn what_nests_without_end_ends_its_function_only() {
    let host = App::with(EVAL).host_json(SMALL).start();
    for deep in [
        "def f(): return f()\nf()",
        "import json; json.loads('[' * 10 ** 6)",
        "eval('(' * 10 ** 5 + ')' * 10 ** 5)",
        "x = []\nfor _ in range(10 ** 6): x = [x]\nrepr(x)",
        "class C:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nC().a",
        "import sys; sys.setrecursionlimit(2 ** 31 - 1)\nimport functools\nf = len\nfor _ in range(10 ** 6): f = functools.partial(f)\nf()",
    ] {
        assert_eq!(host.post("/api/f", deep).status, 500, "{deep}");
        assert_eq!(host.eval("result = 1"), 1, "after {deep}");
    }
}

#[test]
fn answers_can_not_break_http() {
    let app = App::new().function("f", HTTP, "import azure.functions as func\ndef main(req):\n    return eval(req.get_body().decode())\n");
    let host = app.start();
    for wrong in [
        r"func.HttpResponse('x', status_code=99)",
        r"func.HttpResponse('x', status_code=1000)",
        r"func.HttpResponse('x', headers={'X-A': 'b\r\nSet-Cookie: c=d'})",
        r"func.HttpResponse('x', headers={'X-A\r\nSet-Cookie': 'c'})",
        r"func.HttpResponse('x', headers={'X A': 'b'})",
    ] {
        let answer = host.post("/api/f", wrong);
        assert_eq!((answer.status, answer.text(), answer.header("set-cookie")), (500, "", None), "{wrong}");
    }
    let tampered = r"func.HttpResponse('four', headers={'Content-Length': '9999', 'Transfer-Encoding': 'chunked', 'Connection': 'x-a', 'Upgrade': 'h2c', 'X-A': 'b'})";
    let answer = host.post("/api/f", tampered);
    assert_eq!((answer.status, answer.text()), (200, "four"));
    assert_eq!(answer.header("content-length"), Some("4"));
    assert!(answer.header("transfer-encoding").is_none() && answer.header("upgrade").is_none(), "{:?}", answer.headers);
    let many = host.post("/api/f", r"func.HttpResponse('x', headers={f'X-{n}': 'y' * 1000 for n in range(10 ** 5)})");
    assert_eq!(many.status, 500, "headers without measure are no response");
    assert_eq!(host.post("/api/f", "func.HttpResponse('x')").text(), "x");
}

#[test]
fn handles_are_limited_and_do_not_leak() {
    let host = App::with(EVAL).host_json(SMALL).start();
    host.eval("result = 1");
    let before = descriptors(&host);
    // Without buffers of Python's, which would use up the memory first.
    for _ in 0..3 {
        fails(&host, "import os\nwhile True: os.open('/home/site/wwwroot/f/__init__.py', os.O_RDONLY)", "InterpreterDied");
    }
    // What an instance held has ended with it.
    let after = descriptors(&host);
    assert!(after < before + 100, "{before} descriptors became {after}");
    assert_eq!(host.eval("result = len(open('/home/site/wwwroot/f/__init__.py').read()) > 0"), true);
}

/// What runs the functions goes on; what is there can be taken out, and then there is room again.
#[test]
fn the_storage_takes_its_share_and_no_more() {
    let bindings = |kind: &str, place: &str| {
        format!(r#"{}, {{"type": "{kind}", "direction": "out", "name": "out", {place}}}]"#, &HTTP[..HTTP.len() - 1])
    };
    let put = "import azure.functions as func\n\ndef main(req, out: func.Out[bytes]):\n    out.set(b'x' * int(req.params['n']))\n    return 'put'\n";
    let send = "import azure.functions as func\n\ndef main(req, out: func.Out[str]):\n    out.set(['x' * 20_000] * int(req.params['n']))\n    return 'sent'\n";
    let timer = r#"[{"type": "timerTrigger", "name": "timer", "direction": "in", "schedule": "* * * * * *"}]"#;
    let trigger = r#"[{"type": "queueTrigger", "direction": "in", "name": "msg", "queueName": "jobs"}]"#;
    let app = App::new()
        .function("put", &bindings("blob", r#""path": "data/{Query.name}""#), put)
        .function("send", &bindings("queue", r#""queueName": "held""#), send)
        .function(
            "job",
            trigger,
            "import azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    print('took', msg.get_body().decode())\n",
        )
        .function("tick", timer, "import azure.functions as func\n\ndef main(timer: func.TimerRequest):\n    print('tick')\n")
        .host_json(r#""snapfunc": {"storageMb": 2}"#);
    let (host, store) = (app.start(), Store::Embedded);
    assert_eq!(host.get("/api/put?name=a&n=1200000").status, 200, "{}", host.printed());
    assert_eq!(host.get("/api/put?name=b&n=1200000").status, 500);
    let told = host.wait_for_line("Exception: BindingError: out: the embedded storage: the storage in ");
    assert!(
        told.ends_with("is full: it may hold 2 MiB; delete what is not needed, or set a larger snapfunc.storageMb in host.json"),
        "{told}"
    );
    assert_eq!(host.get("/api/send?n=100").status, 500);
    assert_eq!(host.get("/api/put?name=c&n=60000").status, 500);
    let refused = store.try_tool(&app, &["send", "jobs", &"x".repeat(20_000)], b"");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("storageMb"), "{refused:?}");
    // The timer goes on.
    let mark = host.mark();
    host.lines_until(host.lines_until(mark, "tick").len() + mark, "tick");
    assert_eq!(store.blobs(&app, "data"), ["a"]);
    assert_eq!(store.get(&app, "data/a").len(), 1_200_000);
    store.tool(&app, &["clear", "held"], b"");
    assert_eq!(host.get("/api/put?name=c&n=60000").status, 200, "{}", host.printed());
    store.tool(&app, &["send", "jobs", "a message"], b"");
    host.wait_for_line("took a message");
    let folder = Command::new("du").args(["-sk"]).arg(app.data()).output().unwrap();
    let kib: u64 = String::from_utf8_lossy(&folder.stdout).split_whitespace().next().unwrap().parse().unwrap();
    // SQLite's log takes some MiB beside it.
    assert!(kib < 10 << 10, "{kib} KiB");
}
