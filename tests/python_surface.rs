//! What Python code finds in the sandbox: the standard library, late imports, asyncio, and clear words where something can't be.

mod common;

use common::{App, EVAL, HTTP};
use serde_json::json;

#[test]
fn the_standard_library_can_be_imported_late() {
    let host = App::with(EVAL).start();
    let code = r"
import importlib
names = '''abc argparse array ast asyncio base64 bisect calendar cmath codecs collections colorsys concurrent.futures configparser contextlib contextvars
copy csv ctypes dataclasses datetime decimal difflib dis email.message enum fnmatch fractions functools gc getpass gettext glob graphlib gzip hashlib heapq hmac
html.parser http.client http.cookies http.server imaplib inspect io ipaddress itertools json keyword linecache locale logging.config logging.handlers
mailbox marshal math mimetypes multiprocessing netrc numbers operator optparse os pathlib pickle pickletools platform plistlib poplib pprint profile
queue quopri random re reprlib runpy sched secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat
statistics string struct subprocess symtable sys sysconfig tarfile tempfile textwrap threading time timeit token tokenize tomllib trace traceback
tracemalloc types typing unicodedata unittest.mock urllib.request urllib.robotparser uuid warnings wave weakref wsgiref.simple_server
xml.dom.minidom xml.etree.ElementTree xml.sax xmlrpc.client zipapp zipfile zipimport zlib zoneinfo'''.split()
result = []
for name in names:
    try:
        importlib.import_module(name)
    except BaseException as error:
        result.append(f'{name}: {error!r}')
";
    assert_eq!(host.eval(code), json!([]));
}

#[test]
fn it_computes_what_it_should() {
    let host = App::with(EVAL).start();
    let code = r"
import datetime, decimal, gzip, hashlib, re, sqlite3, sys, uuid, zlib, zoneinfo, xml.etree.ElementTree as ET, unicodedata, platform
import azure.functions
berlin = datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))
result = [sys.version_info[:2], sys.platform, hashlib.sha256(b'x').hexdigest()[:8], gzip.decompress(gzip.compress(b'zipped')).decode(), zlib.crc32(b'x'),
          str(berlin.astimezone(datetime.timezone.utc)), str(decimal.Decimal(1) / 7), ET.fromstring('<a><b>t</b></a>')[0].text,
          sqlite3.connect(':memory:').execute('select json_extract(?, ?)', ('{\x22a\x22: 1}', '$.a')).fetchone(), len(str(uuid.uuid4())),
          unicodedata.name('☃'), hashlib.md5(b'').hexdigest()[:4], hashlib.blake2b(b'').hexdigest()[:4], azure.functions.__version__]
";
    let expected = json!([
        [3, 14],
        "wasi",
        "2d711642",
        "zipped",
        2363233923_u32,
        "2024-07-01 10:00:00+00:00",
        "0.1428571428571428571428571429",
        "t",
        [1],
        36,
        "SNOWMAN",
        "d41d",
        "786a",
        "2.3.0"
    ]);
    assert_eq!(host.eval(code), expected);
}

#[test]
fn what_the_sandbox_lacks_says_so_when_it_is_used() {
    let host = App::with(EVAL).start();
    for (code, kind, word) in [
        ("import threading; threading.Thread(target=print, daemon=True).start()", "RuntimeError", "thread"),
        ("import subprocess; subprocess.run(['ls'])", "OSError", "process"),
        ("import os; os.fork()", "", "fork"),
        ("import os; os.system('ls')", "OSError", "process"),
        ("import ctypes; ctypes.CDLL('libc.so.6')", "", "ctypes"),
        ("import multiprocessing; multiprocessing.Process(target=print).start()", "", "process"),
        ("import ssl; ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)", "", "tls"),
        ("import urllib.request; urllib.request.urlopen('https://127.0.0.1/')", "URLError", ""),
    ] {
        let mark = host.mark();
        assert_eq!(host.post("/api/f", code).status, 500, "{code}");
        assert_eq!(host.eval("result = 1"), 1);
        let lines = host.lines_until(mark, "(Succeeded, ");
        let exception = lines.iter().find(|line| line.starts_with("Exception: ")).unwrap_or_else(|| panic!("{lines:?}"));
        assert!(exception.contains(kind) && exception.to_lowercase().contains(word), "{code}: {exception}");
        assert!(lines.iter().any(|line| line.starts_with("Executed 'Functions.f' (Failed")), "{lines:?}");
    }
}

const THREADS: &str = r"
import json, logging, threading

ends = []


def work(context, number):
    context.thread_local_storage.invocation_id = context.invocation_id
    logging.info('thread %s of %s', number, context.invocation_id)
    if number == 2:
        raise ValueError('in a thread')
    ends.append(number)


def main(req, context):
    threads = [threading.Thread(target=work, args=(context, number)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return json.dumps([ends, [thread.is_alive() for thread in threads], threading.active_count(), threading.current_thread().name])
";

#[test]
fn local_time_is_utc_and_zones_are_known() {
    let host = App::with(EVAL).start_with(&[], &[("WEBSITE_TIME_ZONE", "Europe/Paris")]);
    let code = "import datetime, time, zoneinfo\nsummer = datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Paris'))\n\
                result = [time.tzname[0], str(summer.utcoffset())]";
    assert_eq!(host.eval(code), json!(["UTC", "2:00:00"]));
    let set = host.eval("import time\ntry:\n    time.tzset()\nexcept AttributeError as error: result = str(error)");
    assert!(set.as_str().unwrap().contains("local time is UTC in the sandbox"), "{set}");
    assert_eq!(host.eval("import time; result = time.thread_time() > 0"), true);
}

#[test]
fn users_and_folders_are_those_of_the_sandbox() {
    let host = App::with(EVAL).start();
    let code = "import getpass, os\nresult = [getpass.getuser(), os.path.expanduser('~'), hasattr(os, 'getuid'), os.listdir('/tmp')]\n\
                try:\n    os.listdir('/')\nexcept OSError as error: result.append(type(error).__name__)";
    assert_eq!(host.eval(code), json!(["app", "/home", false, [], "FileNotFoundError"]));
}

#[test]
fn there_are_no_arguments_but_a_name() {
    let host = App::with(&format!("{EVAL}\n# with arguments\n")).start();
    let code = "import argparse, sys\nresult = [sys.argv, vars(argparse.ArgumentParser().parse_args())]";
    assert_eq!(host.eval(code), json!([[""], {}]));
}

#[test]
fn threads_run_in_place() {
    let host = App::with(THREADS).start();
    let answer = host.get("/api/f");
    assert_eq!(answer.status, 200, "{}", host.printed());
    assert_eq!(answer.json(), json!([[0, 1], [false, false, false], 1, "MainThread"]));
    host.wait_for_line("ValueError: in a thread");
    let logged: Vec<_> = host.lines().into_iter().filter(|line| line.starts_with("thread ")).collect();
    assert_eq!(logged.len(), 3, "{logged:?}");
}

const ASYNC: &str = r"
import asyncio, contextvars, json

variable = contextvars.ContextVar('variable', default='unset')


async def child(name, seconds):
    await asyncio.sleep(seconds)
    return f'{name} {variable.get()}'


async def main(req):
    kept = variable.get()
    variable.set('set')
    loop = asyncio.get_running_loop()
    gathered = await asyncio.gather(child('a', 0.02), child('b', 0.01))
    task = asyncio.create_task(child('task', 0))
    future = loop.create_future()
    loop.call_later(0.01, future.set_result, 'future')
    inline = await loop.run_in_executor(None, lambda: 'executor')
    in_thread = await asyncio.to_thread(variable.get)
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    except TimeoutError:
        timed_out = True
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.put('queued'))
        taken = group.create_task(queue.get())
    return json.dumps([kept, gathered, await task, await future, inline, in_thread, timed_out, taken.result()])
";

#[test]
fn async_functions_have_a_loop_that_works() {
    let app = App::with(ASYNC)
        .function("fails", HTTP, "async def main(req):\n    raise ValueError('async')\n")
        .function("own", HTTP, "import asyncio\ndef main(req):\n    loop = asyncio.new_event_loop()\n    try:\n        return loop.run_until_complete(asyncio.sleep(0.01, 'own'))\n    finally:\n        loop.close()\n")
        .function("run", HTTP, "import asyncio\ndef main(req):\n    return asyncio.run(asyncio.sleep(0, 'run'))\n")
        .function("forgotten", HTTP, "import asyncio\nasync def main(req):\n    asyncio.create_task(asyncio.sleep(60))\n    return 'left'\n");
    let host = app.start();
    for _ in 0..3 {
        let expected = json!(["unset", ["a set", "b set"], "task set", "future", "executor", "set", true, "queued"]);
        let answer = host.get("/api/f");
        assert_eq!(answer.status, 200, "{}", host.printed());
        assert_eq!(answer.json(), expected);
        assert_eq!((host.get("/api/own").text(), host.get("/api/run").text(), host.get("/api/forgotten").text()), ("own", "run", "left"));
        assert_eq!(host.get("/api/fails").status, 500);
    }
    host.wait_for_line("Exception: ValueError: async");
}

#[test]
fn imports_work_as_on_azure() {
    let app = App::new()
        .file("SharedCode/__init__.py", "")
        .file("SharedCode/helper.py", "count = 0\ndef up():\n    global count\n    count += 1\n    return count\n")
        .file("f/local.py", "from ..SharedCode import helper\nvalue = 'local'\n")
        .file("f/data.json", "{\"a\": 1}")
        .function(
            "f",
            HTTP,
            "import json, pathlib\nimport __app__.SharedCode.helper\nfrom __app__.SharedCode import helper\nfrom . import local\n\
             def main(req, context):\n    data = json.loads((pathlib.Path(__file__).parent / 'data.json').read_text())\n    \
             same = helper is local.helper is __app__.SharedCode.helper\n    return json.dumps([local.value, same, helper.up(), data, __name__, context.function_directory])\n",
        )
        .function("g", HTTP, "from SharedCode.helper import up\ndef main(req):\n    return str(up())\n");
    let host = app.start();
    assert_eq!(host.get("/api/f").json(), json!(["local", true, 1, {"a": 1}, "__app__.f", "/home/site/wwwroot/f"]));
    assert_eq!(host.get("/api/g").text(), "1");
}

#[test]
fn the_context_tells_of_the_invocation() {
    let code = r"
import json
import azure.functions as func

def main(req: func.HttpRequest, context: func.Context) -> str:
    trace = context.trace_context
    retry = context.retry_context
    return json.dumps([context.function_name, context.function_directory, context.invocation_id, trace.Traceparent, trace.trace_parent, trace.Tracestate,
                       context.thread_local_storage.invocation_id, retry.retry_count, retry.max_retry_count])
";
    let host = App::with(code).start();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = host.request("GET", "/api/f", &[("traceparent", parent), ("tracestate", "a=1")], b"");
    assert_eq!(answer.status, 200, "{}", host.printed());
    let seen = answer.json();
    assert_eq!((&seen[0], &seen[1]), (&json!("f"), &json!("/home/site/wwwroot/f")));
    assert!(seen[3].as_str().unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{seen}");
    assert_eq!((&seen[3], &seen[5]), (&seen[4], &json!("a=1")));
    assert_eq!((&seen[6], &seen[7], &seen[8]), (&seen[2], &json!(0), &json!(0)));
    host.wait_for_line(&format!("Id={}", seen[2].as_str().unwrap()));
    let other = host.get("/api/f").json();
    assert_ne!(other[2], seen[2]);
}

#[test]
fn worker_extensions_run_around_functions() {
    let library = r#"
import time
from azure.functions import AppExtensionBase, FuncExtensionBase

class Timed(AppExtensionBase):
    @classmethod
    def pre_invocation_app_level(cls, logger, context, arguments, *args, **kwargs):
        context.began = time.monotonic()
    @classmethod
    def post_invocation_app_level(cls, logger, context, arguments, returned, *args, **kwargs):
        logger.info("%s took some time: %s", context.function_name, time.monotonic() >= context.began)

class Named(FuncExtensionBase):
    def __init__(self, file, name):
        super().__init__(file)
        self.name = name
    def pre_invocation(self, logger, context, arguments, *args, **kwargs):
        logger.info("%s before %s", self.name, sorted(arguments))
"#;
    let code = "import library\nlibrary.Named(__file__, 'one')\n\ndef main(req, context):\n    return str(context.began > 0)\n";
    let app = App::with(code).function("g", HTTP, "def main(req):\n    return 'g'\n").file("library.py", library);
    let host = app.start_with(&[], &[("PYTHON_ENABLE_WORKER_EXTENSIONS", "1")]);
    let mark = host.mark();
    assert_eq!(host.get("/api/f").text(), "True");
    assert_eq!(host.lines_until(mark, "f took some time: True")[0], "one before ['context', 'req']");
    let mark = host.mark();
    assert_eq!(host.get("/api/g").text(), "g");
    assert_eq!(host.lines_until(mark, "g took some time: True").len(), 1);
    drop(host);
    let without = app.start();
    assert_eq!(without.get("/api/f").status, 500);
    without.wait_for_line("Exception: AttributeError: 'Context' object has no attribute 'began'");
}
