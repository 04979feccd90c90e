//! The sandbox by itself: real instances, without HTTP.

use super::api::{
    Binding, DataType, Datum, Direction, FunctionSource, HttpRequest, Invocation, JoinedPairs, Level, Outcome, TraceContext, paths,
};
use super::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

struct Quiet;

impl Progress for Quiet {
    fn compiling(&self) {}
    fn ready(&self) {}
}

#[derive(Default)]
struct Kept(Mutex<Vec<(Option<String>, String)>>);

impl LogSink for Kept {
    fn record(&self, record: &LogRecord<'_>) {
        let function = record.running.map(|running| running.function.clone());
        self.0.lock().unwrap().push((function, record.text.to_owned()));
    }
}

/// One compiled guest for all tests, in the build's own folder.
fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-cache");
    RUNTIME.get_or_init(|| Arc::new(Runtime::open(&cache, &Quiet).unwrap())).clone()
}

async fn template(root: &Path, logs: Arc<Kept>, limits: Limits) -> Template {
    let (template, loaded) = Template::prepare(runtime(), spec(root, logs, limits)).await.unwrap();
    assert!(loaded.functions.iter().all(|function| function.error.is_none()), "{loaded:?}");
    assert!(template.obstacles().is_empty());
    template
}

fn spec(root: &Path, logs: Arc<Kept>, limits: Limits) -> Spec {
    let binding =
        |name: &str, kind: &str, direction| Binding { name: name.into(), kind: kind.into(), direction, data_type: DataType::Undefined };
    let functions = vec![FunctionSource {
        name: "f".into(),
        directory: format!("{}/f", paths::APP),
        script_file: format!("{}/f/__init__.py", paths::APP),
        entry_point: "main".into(),
        bindings: vec![binding("req", "httpTrigger", Direction::In), binding("$return", "http", Direction::Out)],
    }];
    Spec {
        root: root.to_owned(),
        packages: None,
        package_paths: vec![],
        settings: vec![("GREETING".into(), "Hello".into())],
        platform: vec![],
        preload_packages: true,
        private_files: vec![],
        functions,
        entry_file: None,
        limits,
        outbound: Arc::default(),
        log_level: Level::Information,
        logs,
    }
}

fn app(code: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("f")).unwrap();
    std::fs::write(folder.path().join("f/__init__.py"), code).unwrap();
    let root = folder.path().to_owned();
    (folder, root)
}

fn call(body: &str) -> Invocation {
    Invocation {
        id: "7a2c9c4e-0000-0000-0000-000000000000".into(),
        function_name: "f".into(),
        beginning: None,
        trace: TraceContext { traceparent: String::new(), tracestate: String::new() },
        retry: None,
        trigger_metadata: vec![],
        inputs: vec![(
            "req".into(),
            Datum::HttpRequest(HttpRequest {
                method: "POST".into(),
                url: "http://localhost/api/f".into(),
                headers: JoinedPairs::default(),
                query: JoinedPairs::default(),
                route_params: JoinedPairs::default(),
                body: body.as_bytes().to_vec(),
            }),
        )],
    }
}

/// An app whose function evaluates what it is sent.
const EVAL: &str = "import os, logging\nstate = {}\ndef main(req):\n    scope = {'state': state, 'os': os}\n    exec(req.get_body().decode(), scope)\n    return str(scope.get('result'))\n";

fn text(result: Result<Outcome, InvokeError>) -> String {
    match result.unwrap().return_value {
        Datum::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_instance_runs_its_app_and_keeps_its_state_but_not_its_tmp() {
    let (_folder, root) = app(EVAL);
    let mut instance = template(&root, Arc::default(), Limits::default()).await.instantiate().await.unwrap();
    let write = "open('/tmp/x', 'w').write('1'); state['n'] = state.get('n', 0) + 1; result = (os.listdir('/tmp'), state['n'], os.environ['GREETING'])";
    assert_eq!(text(instance.invoke(&mut call(write), None).await), "(['x'], 1, 'Hello')");
    assert_eq!(
        text(instance.invoke(&mut call("result = os.listdir('/tmp'), state['n'], os.getcwd()"), None).await),
        "([], 1, '/home/site/wwwroot')"
    );
}

#[tokio::test]
async fn an_instance_that_rests_keeps_its_state() {
    let (_folder, root) = app(EVAL);
    let template = template(&root, Arc::default(), Limits::default()).await;
    let mut instance = template.instantiate().await.unwrap();
    for turn in 1..4 {
        let result = instance.invoke(&mut call("state['n'] = state.get('n', 0) + 1; result = state['n']"), None).await;
        assert_eq!(text(result), turn.to_string());
        instance.rest();
        template.rest();
    }
    assert!(instance.renew() && instance.is_new());
}

#[tokio::test]
async fn a_function_that_never_ends_is_stopped_and_its_instance_is_dead() {
    let (_folder, root) = app(EVAL);
    let template = template(&root, Arc::default(), Limits::default()).await;
    for endless in ["while True: pass", "import time; time.sleep(1e6)", "import re; re.match('(a+)+$', 'a' * 40 + 'b')", "10 ** 10 ** 9"] {
        let mut instance = template.instantiate().await.unwrap();
        let started = Instant::now();
        let result = instance.invoke(&mut call(endless), Some(Duration::from_millis(300))).await;
        assert!(matches!(result, Err(InvokeError::TimedOut(_))), "{endless}: {result:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{endless}: {:?}", started.elapsed());
        assert!(!instance.is_alive());
    }
}

#[tokio::test]
async fn bytecode_that_never_looks_for_its_turn_is_stopped() {
    let (_folder, root) = app(EVAL);
    let template = template(&root, Arc::default(), Limits::default()).await;
    let mut instance = template.instantiate().await.unwrap();
    let endless = "import opcode, types\ndef f(): pass\njump = bytes([opcode.opmap['RESUME'], 0, opcode.opmap['JUMP_BACKWARD_NO_INTERRUPT'], 1])\n\
                   types.FunctionType(f.__code__.replace(co_code=jump), {})()";
    match instance.invoke(&mut call(endless), Some(Duration::from_secs(60))).await {
        Err(InvokeError::Died(why)) => assert_eq!(why, "it computed for long without giving way to others"),
        other => panic!("{other:?}"),
    }
    assert!(!instance.is_alive());
}

#[tokio::test]
async fn memory_is_bounded() {
    let (_folder, root) = app(EVAL);
    let limits = Limits { memory_bytes: 96 << 20, ..Limits::default() };
    let mut instance = template(&root, Arc::default(), limits).await.instantiate().await.unwrap();
    for bomb in ["x = [0] * 10**10", "x = b''\nwhile True: x += b'x' * 2**20", "bytearray(2**31 - 1)"] {
        match instance.invoke(&mut call(bomb), None).await {
            Err(InvokeError::Raised(failure)) => assert!(failure.kind == "MemoryError" || failure.kind == "OverflowError", "{failure:?}"),
            other => panic!("{bomb}: {other:?}"),
        }
    }
    assert_eq!(text(instance.invoke(&mut call("result = 1"), None).await), "1");
}

#[tokio::test]
async fn what_ends_the_interpreter_ends_only_its_instance() {
    let (_folder, root) = app(EVAL);
    let template = template(&root, Arc::default(), Limits::default()).await;
    let pool_limits = PoolLimits { isolation: Isolation::Instance, instances: 1, eager: 1, warm: 1, queue: 10 };
    let pool = Pool::start(template, pool_limits).await.unwrap();
    for deadly in ["os._exit(3)", "os.abort()", "f = lambda: f()\nimport sys; sys.setrecursionlimit(10**9)\nf()"] {
        let result = pool.take().await.unwrap().invoke(&mut call(deadly), None).await;
        assert!(matches!(result, Err(InvokeError::Died(_) | InvokeError::Raised(_))), "{deadly}: {result:?}");
        assert_eq!(text(pool.take().await.unwrap().invoke(&mut call("result = 1"), None).await), "1", "after {deadly}");
    }
    let raised = pool.take().await.unwrap().invoke(&mut call("raise SystemExit(1)"), None).await;
    assert!(matches!(raised, Err(InvokeError::Raised(ref failure)) if failure.kind == "SystemExit"), "{raised:?}");
}

#[tokio::test]
async fn the_pool_lends_the_last_used_first_and_not_more_than_it_may() {
    let (_folder, root) = app(EVAL);
    let limits = PoolLimits { isolation: Isolation::Instance, instances: 2, eager: 2, warm: 1, queue: 10 };
    let pool = Pool::start(template(&root, Arc::default(), Limits::default()).await, limits).await.unwrap();
    let mut first = pool.take().await.unwrap();
    text(first.invoke(&mut call("state['name'] = 'first'; result = 1"), None).await);
    let mut second = pool.take().await.unwrap();
    assert_eq!(text(second.invoke(&mut call("result = state.get('name')"), None).await), "None");
    let waiting = tokio::time::timeout(Duration::from_millis(500), pool.take()).await;
    assert!(waiting.is_err(), "a third instance was made");
    drop(second);
    drop(first);
    assert_eq!(text(pool.take().await.unwrap().invoke(&mut call("result = state.get('name')"), None).await), "first");
}

#[tokio::test]
async fn idle_instances_rest_until_they_are_used_again() {
    let (_folder, root) = app(EVAL);
    let limits = PoolLimits { isolation: Isolation::Instance, instances: 3, eager: 3, warm: 0, queue: 10 };
    let pool = Pool::start(template(&root, Arc::default(), Limits::default()).await, limits).await.unwrap();
    let mut taken = Vec::new();
    for name in ["a", "b", "c"] {
        let mut instance = pool.take().await.unwrap();
        text(instance.invoke(&mut call(&format!("state['name'] = '{name}'; result = 1")), None).await);
        taken.push(instance);
    }
    let on_loan = taken.pop();
    drop(taken.remove(0));
    drop(taken.pop());
    assert_eq!(pool.rest_now(), 2);
    let mut again = pool.take().await.unwrap();
    assert_eq!(text(again.invoke(&mut call("result = state['name']"), None).await), "b");
    drop(again);
    assert_eq!(pool.rest_now(), 2);
    drop(on_loan);
    assert_eq!(pool.rest_now(), 3);
    assert_eq!(text(pool.take().await.unwrap().invoke(&mut call("result = state['name']"), None).await), "c");
}

#[tokio::test]
async fn records_carry_the_function_that_the_host_runs() {
    let (_folder, root) = app(&EVAL.replace("state = {}", "state = {}\nprint('loading')"));
    let logs = Arc::new(Kept::default());
    let mut instance = template(&root, logs.clone(), Limits::default()).await.instantiate().await.unwrap();
    let code = "import logging; logging.info('logged'); print('printed', end=''); os.write(1, b'written'); logging.debug('hidden')";
    text(instance.invoke(&mut call(code), None).await);
    let function = Some("f".to_owned());
    let expected: Vec<_> = [(None, "loading"), (function.clone(), "logged"), (function.clone(), "printed"), (function, "written")]
        .map(|(f, t)| (f, t.to_owned()))
        .into();
    assert_eq!(*logs.0.lock().unwrap(), expected);
}

/// What may be done to an instance: code, how long it may take, and whether the host breaks it off.
const HOSTILE: &[(&str, u64)] = &[
    ("result = 1", 5000),
    ("state['kept'] = bytearray(b'MARKER' * 100_000)", 5000),
    ("x = [bytearray(1 << 20) for _ in range(40)]", 5000),
    ("x = []\nwhile True: x.append(bytearray(b'MARKER') * (1 << 16))", 5000),
    ("import gc; gc.unfreeze(); gc.collect(); x = gc.get_objects()", 5000),
    ("import sys\nfor module in list(sys.modules.values()): module.__dict__['__marker__'] = 'MARKER'", 5000),
    ("import gc\nfor thing in gc.get_objects():\n    if type(thing) is dict: thing['MARKER'] = 'MARKER'", 5000),
    ("open('/tmp/x', 'w').write('MARKER' * 10_000); import sqlite3; sqlite3.connect('/tmp/y').execute('create table t (a)')", 5000),
    ("import os; os.abort()", 5000),
    ("import os; os._exit(1)", 5000),
    ("def f(): f()\nf()", 5000),
    ("import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", 5000),
    ("while True: pass", 15),
    ("x = []\nwhile True: x.append('MARKER' * 1000)", 20),
    ("import time; time.sleep(60)", 10),
    ("import xml.dom.minidom, email, json; json.dumps(list(range(10000)))", 5000),
];

#[tokio::test]
async fn whatever_an_instance_does_the_next_one_finds_the_image() {
    let (_folder, root) = app(EVAL);
    let limits = Limits { memory_bytes: 96 << 20, ..Limits::default() };
    let template = template(&root, Arc::default(), limits).await;
    let image = template.image();
    let mut renewed = 0;
    for round in 0..400_usize {
        let mut instances = Vec::new();
        // Several at a time, so that several slots are in use.
        for number in 0..=round % 3 {
            let mut instance = template.instantiate().await.unwrap();
            let (code, limit) = HOSTILE[(round * 7 + number * 5) % HOSTILE.len()];
            let mut invocation = call(code);
            let limit = Duration::from_millis(limit);
            if round % 5 == 4 {
                // The host itself breaks off: the future is dropped in the middle.
                let _ = tokio::time::timeout(limit.min(Duration::from_millis(3)), instance.invoke(&mut invocation, None)).await;
            } else {
                let _ = instance.invoke(&mut invocation, Some(limit)).await;
            }
            if round % 2 == 0 && instance.renew() {
                renewed += 1;
                assert!(instance.is_new(), "after {code}");
                let code = "import os, sys; result = (state, os.listdir('/tmp'), hasattr(sys, '__marker__'))";
                assert_eq!(text(instance.invoke(&mut call(code), None).await), "({}, [], False)");
            }
            instances.push(instance);
        }
        drop(instances);
        if round % 20 == 19 {
            assert!((1..=3).contains(&image.check_free_slots()));
        }
    }
    assert!(renewed > 20, "{renewed}");
    let mut last = template.instantiate().await.unwrap();
    let code = "import os, sys; result = (state, os.listdir('/tmp'), hasattr(sys, '__marker__'))";
    assert_eq!(text(last.invoke(&mut call(code), None).await), "({}, [], False)");
}

#[tokio::test]
async fn an_instance_is_made_new_in_place_only_where_nothing_is_left_of_it() {
    let (_folder, root) = app(EVAL);
    let template = template(&root, Arc::default(), Limits::default()).await;
    let mut instance = template.instantiate().await.unwrap();
    let mut drawn = Vec::new();
    for _ in 0..3 {
        let code = "import random; result = state.setdefault('n', random.random())";
        drawn.push(text(instance.invoke(&mut call(code), None).await));
        assert!(instance.renew() && instance.is_new());
    }
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2], "{drawn:?}");
    // The guest's C library keeps the folders open.
    for code in [
        "os.listdir('/tmp')",
        "state['file'] = open('/tmp/x', 'w')",
        "state['all'] = [bytearray(1 << 20) for _ in range(64)]",
        "os._exit(0)",
    ] {
        let mut instance = template.instantiate().await.unwrap();
        let _ = instance.invoke(&mut call(code), None).await;
        assert!(!instance.renew(), "{code}");
    }
}

#[tokio::test]
async fn apps_do_not_find_what_others_left() {
    let (_folder, root) = app(EVAL);
    let (one, other) = (template(&root, Arc::default(), Limits::default()).await, template(&root, Arc::default(), Limits::default()).await);
    for _ in 0..100 {
        for (template, mine) in [(&one, "ONE"), (&other, "OTHER")] {
            let mut instance = template.instantiate().await.unwrap();
            let code = format!(
                "seen = state.get('left'); state['left'] = '{mine}' * 1000; open('/tmp/{mine}', 'w'); import os; result = seen, os.listdir('/tmp')"
            );
            assert_eq!(text(instance.invoke(&mut call(&code), None).await), format!("(None, ['{mine}'])"));
        }
    }
    for template in [&one, &other] {
        let image = template.image();
        image.check_free_slots();
        assert!(!image.content().windows(8).any(|bytes| bytes == b"ONEONEON" || bytes == b"OTHEROTH"));
    }
}

#[tokio::test]
async fn an_app_that_holds_what_no_copy_can_have_is_loaded_anew() {
    let (_folder, root) = app(&format!("{EVAL}\nheld = open(__file__)\n"));
    let (template, loaded) = Template::prepare(runtime(), spec(&root, Arc::default(), Limits::default())).await.unwrap();
    assert!(loaded.functions[0].error.is_none());
    assert_eq!(template.obstacles(), ["the file /home/site/wwwroot/f/__init__.py is open"]);
    let mut instance = template.instantiate().await.unwrap();
    let read = "import sys; result = len(sys.modules['__app__.f'].held.read()) > 100";
    assert_eq!(text(instance.invoke(&mut call(read), None).await), "True");
}

#[tokio::test]
async fn hooks_run_around_the_copy() {
    let hooks = "import snapfunc, random\nlog = []\nfile = open(__file__)\n@snapfunc.before_snapshot\ndef close():\n    file.close()\n    log.append('before')\n\
                 @snapfunc.after_restore\ndef fresh():\n    global drawn\n    drawn = random.random()\n    log.append('after')\n";
    let (_folder, root) = app(&format!("{EVAL}{hooks}"));
    let template = template(&root, Arc::default(), Limits::default()).await;
    let mut drawn = Vec::new();
    for _ in 0..3 {
        let mut instance = template.instantiate().await.unwrap();
        let code = "import sys; module = sys.modules['__app__.f']; result = module.log, module.drawn";
        let answer = text(instance.invoke(&mut call(code), None).await);
        assert!(answer.starts_with("(['before', 'after'], 0."), "{answer}");
        assert!(!drawn.contains(&answer));
        drawn.push(answer);
    }
}

#[tokio::test]
async fn time_goes_on_in_copies() {
    let (_folder, root) = app(&format!("{EVAL}\nimport time\nloaded = time.monotonic(), time.time()\n"));
    let template = template(&root, Arc::default(), Limits::default()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut instance = template.instantiate().await.unwrap();
    // The snapshot may be of an earlier run, so long ago.
    let code = "import sys, time; a, b = sys.modules['__app__.f'].loaded; passed = time.monotonic() - a, time.time() - b\n\
                result = 0.02 < passed[0], abs(passed[0] - passed[1]) < 60";
    assert_eq!(text(instance.invoke(&mut call(code), None).await), "(True, True)");
}

/// Each makes libc or Python ask the host for something, and remember it.
const PROBES: &[&str] = &[
    "os.write(1, b'x')",
    "os.write(2, b'x')",
    "os.read(0, 1)",
    "print('x')",
    "time.sleep(0.001)",
    "asyncio.run(asyncio.sleep(0.001))",
    "open('/home/site/wwwroot/f/__init__.py').read()",
    "os.listdir('/home/site/wwwroot')",
    "os.listdir('/tmp')",
    "open('/tmp/x', 'w').write('x')",
    "os.stat('/python')",
    "os.getcwd()",
    "os.path.realpath('.')",
    "os.urandom(4)",
    "select.select([], [], [], 0.001)",
    "importlib.reload(importlib.import_module('this'))",
    "os.isatty(1)",
    "sqlite3.connect('/tmp/y').execute('create table t (a)')",
];

#[tokio::test]
async fn what_the_app_used_while_it_was_loaded_works_in_each_copy() {
    let imports = "import asyncio, importlib, select, sqlite3, time";
    let used: String = PROBES.iter().map(|probe| format!("{probe}\n")).collect();
    let (_folder, root) = app(&format!("{EVAL}\n{imports}\n{used}"));
    let template = template(&root, Arc::default(), Limits::default()).await;
    for probe in PROBES {
        let mut instance = template.instantiate().await.unwrap();
        let code = format!("{imports}\n{probe}\nresult = 'done'");
        assert_eq!(text(instance.invoke(&mut call(&code), None).await), "done", "{probe}");
    }
}

/// What each page costs is much of what a new instance costs: see `docs/performance.md`. Without immortal objects and ballast they were 280, without gathered code
/// 139, without all of it 102.
#[tokio::test]
async fn a_short_life_writes_few_pages() {
    let (_folder, root) = app("def main(req):\n    return 'Hello, ' + req.params.get('name', 'you')\n");
    let template = template(&root, Arc::default(), Limits::default()).await;
    let mut instance = template.instantiate().await.unwrap();
    assert_eq!(text(instance.invoke(&mut call("x"), None).await), "Hello, you");
    drop(instance);
    let pages = template.image().usually_written();
    assert!((1..90).contains(&pages), "{pages} pages were written");
}
