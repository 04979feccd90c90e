//! What functions can't see or touch: each other's files, the host's files, its environment, the network.

mod common;

use common::{App, EVAL};
use serde_json::json;

const ONE_INSTANCE: &str = r#""snapfunc": {"maxInstances": 1}"#;

#[test]
fn tmp_is_empty_for_each_invocation_of_an_instance() {
    let host = App::with(EVAL).host_json(ONE_INSTANCE).start();
    let code = "import os, tempfile\nstate['n'] = state.get('n', 0) + 1\nseen = os.listdir('/tmp')\nopen('/tmp/x', 'x').write('mine')\nos.makedirs('/tmp/a/b')\n\
                kept = tempfile.NamedTemporaryFile(delete=False)\nresult = [seen, sorted(os.listdir('/tmp'))[:1], open('/tmp/x').read(), state['n']]";
    for number in 1..=3 {
        assert_eq!(host.eval(code), json!([[], ["a"], "mine", number]));
    }
}

#[test]
fn a_file_kept_open_loses_what_was_in_it() {
    let host = App::with(EVAL).host_json(ONE_INSTANCE).start();
    host.eval("state['file'] = open('/tmp/x', 'w+'); state['file'].write('secret'); state['file'].flush()");
    assert_eq!(host.eval("import os\nfile = state['file']; file.seek(0)\nresult = [file.read(), os.listdir('/tmp')]"), json!(["", []]));
}

#[test]
fn tmp_is_a_file_system() {
    let host = App::with(EVAL).start();
    let code = r"
import os, shutil, sqlite3, stat, tempfile, zipfile
os.chdir('/tmp')
os.makedirs('d/e')
with open('d/f', 'wb') as file:
    file.write(b'0123456789')
    file.seek(4); file.write(b'x'); file.truncate(6)
os.link('d/f', 'd/g'); os.symlink('f', 'd/l'); os.rename('d/g', 'd/e/g'); os.replace('d/e/g', 'd/h')
with open('d/f', 'ab') as file:
    file.write(b'!')
os.utime('d/f', (1e9, 2e9))
info = os.stat('d/l')
shutil.copytree('d', 'copy'); shutil.rmtree('d')
with zipfile.ZipFile('z.zip', 'w') as archive:
    archive.write('copy/f')
connection = sqlite3.connect('db.sqlite')
connection.execute('create table t (a)'); connection.execute('insert into t values (42)'); connection.commit()
value = connection.execute('select a from t').fetchone()[0]
result = [open('copy/h').read(), sorted(os.listdir('copy')), info.st_size, info.st_mtime, info.st_nlink, stat.S_ISREG(info.st_mode),
          zipfile.ZipFile('z.zip').namelist(), value, sorted(e.name for e in os.scandir('.') if e.is_file()), tempfile.gettempdir()]
";
    let expected = json!(["0123x5!", ["e", "f", "h", "l"], 7, 2e9, 2, true, ["copy/f"], 42, ["db.sqlite", "z.zip"], "/tmp"]);
    assert_eq!(host.eval(code), expected);
}

#[test]
fn tmp_has_a_quota() {
    let host = App::with(EVAL).host_json(r#""snapfunc": {"tmpMb": 1}"#).start();
    let fill = r"
import errno, os
written = 0
try:
    with open('/tmp/x', 'wb', buffering=0) as file:
        while True:
            written += file.write(b'x' * 65536)
except OSError as error:
    # The guest's libc knows no better of an error in a stream.
    result = [errno.errorcode[error.errno], written]
";
    for _ in 0..2 {
        assert_eq!(host.eval(fill), json!(["EIO", 1 << 20]));
    }
    let names = r"
import errno
try:
    for number in range(100_000):
        open(f'/tmp/{number}', 'w').close()
except OSError as error:
    result = [errno.errorcode[error.errno], number]
";
    assert_eq!(host.eval(names), json!(["ENOSPC", 4096]));
    assert_eq!(
        host.eval("import os\nf = open('/tmp/x', 'wb'); f.truncate(1 << 40); result = os.stat('/tmp/x').st_size"),
        json!(1_u64 << 40)
    );
}

/// For each line of code, the kind of error that it raises.
fn errors(code: &[&str]) -> String {
    let lines: Vec<_> = code.iter().map(|line| format!("    {line:?},\n")).collect();
    format!(
        "result = []\nfor code in [\n{}]:\n    try:\n        result.append(repr(eval(code)))\n    except Exception as error:\n        result.append(type(error).__name__)\n",
        lines.concat()
    )
}

#[test]
fn the_app_can_be_read_but_not_changed() {
    let host = App::with(EVAL).file("data/text.txt", "content").start();
    let code = errors(&[
        "open('data/text.txt').read()",
        "open('/home/site/wwwroot/data/text.txt', 'a')",
        "open('new', 'w')",
        "__import__('os').remove('data/text.txt')",
        "__import__('os').mkdir('new')",
        "__import__('os').rename('data', 'moved')",
        "__import__('os').symlink('/etc/passwd', 'l')",
        "__import__('os').link('data/text.txt', '/tmp/l')",
        "__import__('os').truncate('data/text.txt', 0)",
        "__import__('os').utime('data/text.txt', (1, 1))",
        "open(__import__('os').__file__, 'a')",
    ]);
    let seen = host.eval(&code);
    assert_eq!(seen[0], "'content'");
    for (number, error) in seen.as_array().unwrap().iter().enumerate().skip(1) {
        assert!(error == "PermissionError" || error == "OSError", "{number}: {seen}");
    }
    assert_eq!(host.eval("result = open('data/text.txt').read()"), "content");
}

#[test]
fn nothing_else_of_the_machine_is_there() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    let app = App::with(EVAL);
    std::os::unix::fs::symlink(outside.path(), app.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), app.path().join("file-link")).unwrap();
    let host = app.start();
    let there = format!("open({:?})", outside.path().join("secret"));
    let code = errors(&[
        &there,
        "open('/etc/passwd')",
        "open('/proc/self/environ')",
        "open('../../../etc/passwd')",
        "open('/home/site/wwwroot/../../../etc/passwd')",
        "open('/tmp/../etc/passwd')",
        "open('link/secret')",
        "open('file-link')",
        "__import__('os').listdir('/root')",
        "__import__('os').listdir('link')",
    ]);
    let seen = host.eval(&code);
    for (number, error) in seen.as_array().unwrap().iter().enumerate() {
        assert!(["FileNotFoundError", "PermissionError", "OSError"].contains(&error.as_str().unwrap()), "{number}: {seen}");
    }
}

#[test]
fn of_the_environment_only_what_is_named_comes_in() {
    let settings = r#"{"IsEncrypted": false, "Values": {"FROM_FILE": "file", "BOTH": "file"}}"#;
    let app = App::with(EVAL).file("local.settings.json", settings).host_json(r#""snapfunc": {"passEnv": ["MY_*"]}"#);
    let environment = [
        ("SECRET", "1"),
        ("AWS_SECRET_ACCESS_KEY", "1"),
        ("BOTH", "host"),
        ("MY_THING", "a"),
        ("YOUR_THING", "b"),
        ("WEBSITE_SITE_NAME", "site"),
        ("FUNCTIONS_X", "c"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ("PYTHON_X", "d"),
        ("odd:name", "e"),
    ];
    let host = app.start_with(&["--pass-env", "YOUR_*"], &environment);
    let seen = host.eval("import os; result = dict(os.environ)");
    for (name, value) in [
        ("FROM_FILE", "file"),
        ("BOTH", "host"),
        ("MY_THING", "a"),
        ("YOUR_THING", "b"),
        ("WEBSITE_SITE_NAME", "site"),
        ("FUNCTIONS_X", "c"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ("PYTHON_X", "d"),
        ("AzureWebJobsScriptRoot", "/home/site/wwwroot"),
        ("FUNCTIONS_WORKER_RUNTIME", "python"),
    ] {
        assert_eq!(seen[name], value, "{name}: {seen}");
    }
    for name in ["SECRET", "AWS_SECRET_ACCESS_KEY", "PATH", "odd:name", "SNAPFUNC_CACHE_DIR"] {
        assert!(seen.get(name).is_none(), "{name}: {seen}");
    }
    assert!(!host.printed().contains("UseDevelopmentStorage"), "{}", host.printed());
    let all = app.start_with(&["--pass-env", "*"], &environment);
    assert_eq!(all.eval("import os; result = [os.environ['SECRET'], os.environ['odd:name']]"), json!(["1", "e"]));
}

#[test]
fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let host = App::with(EVAL).start();
    let (connect, fetch) = (
        format!("__import__('socket').create_connection(('127.0.0.1', {port}), 1)"),
        format!("__import__('urllib.request').request.urlopen('http://127.0.0.1:{port}/')"),
    );
    let code = errors(&[
        &connect,
        &fetch,
        "__import__('socket').getaddrinfo('example.com', 80)",
        "__import__('socket').socket().bind(('127.0.0.1', 0))",
        "__import__('socket').socket(type=__import__('socket').SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    ]);
    let seen = host.eval(&code);
    for (number, error) in seen.as_array().unwrap().iter().enumerate() {
        assert!(error.as_str().unwrap().ends_with("rror"), "{number}: {seen}");
    }
    assert!(listener.accept().is_err(), "a function reached the network");
}

#[test]
fn instances_do_not_share_their_randomness() {
    let code = "import os, random, uuid, secrets\nresult = [random.random(), str(uuid.uuid4()), secrets.token_hex(8), os.urandom(8).hex()]";
    let app = App::with(EVAL);
    let (first, second) = (app.start().eval(code), app.start().eval(code));
    for number in 0..4 {
        assert_ne!(first[number], second[number], "{number}");
    }
}
