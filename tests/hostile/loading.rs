//! From inside, while an app is loaded: its code runs then too, and what it says of itself is told.

use super::common::{App, HTTP};
use std::time::{Duration, Instant};

/// Of a function that is there beside the code that does harm.
const OK: &str = "\ndef main(req):\n    return 'ok'\n";
/// How an entry file begins.
const V2: &str = "import azure.functions as func\napp = func.FunctionApp()\n";

/// Starts an app whose one function has this code before it, and sees that the function is served.
fn starts(code: &str) -> String {
    let host = App::with(&format!("{code}{OK}")).start();
    assert_eq!(host.get("/api/f").text(), "ok", "{code}\n{}", host.printed());
    host.printed()
}

#[test]
fn classes_that_can_not_be_looked_at_are_left_alone() {
    starts(
        "
class Meta(type):
    def __getattr__(self, name): raise KeyError(name)
    def __eq__(self, other): raise KeyError(other)
    __hash__ = type.__hash__
class Kept(metaclass=Meta): pass
kept = [Kept()]
",
    );
}

#[test]
fn what_the_host_asks_after_loading_is_bounded_in_time() {
    let started = Instant::now();
    let endless = "
import snapfunc_worker.lasting
def addresses():
    while True: pass
snapfunc_worker.lasting.addresses = addresses
";
    starts(endless);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn what_stands_in_the_way_of_copies_is_told_in_measure() {
    let hooks = "
import snapfunc
def hook(): raise ValueError('x' * 100_000)
for _ in range(500): snapfunc.before_snapshot(hook)
";
    let printed = starts(hooks);
    assert!(printed.contains("480 more things") && printed.len() < 100_000, "{} bytes: {:.2000}", printed.len(), printed);
}

#[test]
fn names_are_told_in_measure() {
    let unknown: Vec<_> = (0..1000).map(|number| format!("unknown{number}")).collect();
    let host_json = format!("\"functions\": {}", serde_json::to_string(&unknown).unwrap());
    let code = format!(
        "{V2}
for number in range(30):
    app.function_name(f'{{number}}' + 'x' * 100_000)(app.route(route=f'r{{number}}')(lambda req: 'ok'))
"
    );
    let host = App::new().file("function_app.py", code).host_json(&host_json).start();
    let printed = host.printed();
    assert!(printed.contains(" and 10 more") && printed.contains("980 more functions"), "{printed:.2000}");
    assert!(printed.len() < 250_000, "{} bytes", printed.len());
}

#[test]
fn why_an_app_can_not_be_loaded_is_told_in_measure() {
    let code = "
import wit_world.exports.worker as worker
from componentize_py_types import Err
from wit_world.imports import types
def loaded(*parts): raise Err(types.Failure('Kind', 'x' * 1_000_000, ''))
worker.LoadedApp = loaded
";
    let output = App::with(&format!("{code}{OK}")).run_to_end(&[]);
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("Kind: xxx") && told.len() < 100_000, "{} bytes: {told:.2000}", told.len());
}

#[test]
fn a_function_without_a_name_is_not_the_guests_own() {
    let code = format!(
        "{V2}
def nameless(req: func.HttpRequest) -> str:
    raise SystemExit('it was run')
nameless.__name__ = ''
app.route(route='nameless')(nameless)

@app.route(route='f', auth_level='anonymous')
def f(req: func.HttpRequest) -> str:
    return 'ok'
"
    );
    let host = App::new().file("function_app.py", code).start();
    assert_eq!(host.get("/api/f").text(), "ok");
    assert!(!host.printed().contains("it was run"), "{}", host.printed());
}

#[test]
fn what_stands_for_the_standard_streams_fails_no_function() {
    let replace = "
import sys
class Writes:
    def write(self, text): pass
def main(req):
    sys.stdout, sys.stderr = (None, Writes()) if req.params.get('none') else (Writes(), None)
    return 'ok'
";
    let host = App::with(replace).function("g", HTTP, OK).host_json(r#""snapfunc": {"maxInstances": 1}"#).start();
    for path in ["/api/f", "/api/g", "/api/f?none=1", "/api/g"] {
        assert_eq!(host.get(path).text(), "ok", "{path}: {}", host.printed());
    }
    starts("import sys\nsys.stdout = sys.stderr = None\n");
}
