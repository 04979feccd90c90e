//! Programming model v2: functions that decorators in the app's code declare.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP, Host, run_to_end, snapfunc};
use serde_json::json;
use std::time::{Duration, Instant};

const IMPORTS: &str = "import logging\nimport azure.functions as func\n\n";
const NEW_APP: &str = "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n";
const HELLO: &str = "\n@app.route()\ndef hello(req: func.HttpRequest) -> str:\n    return 'Hello, ' + req.params.get('name', 'world')\n";

/// An app whose function_app.py makes a FunctionApp and goes on with this.
fn app(code: &str) -> App {
    App::new().file("function_app.py", format!("{IMPORTS}{NEW_APP}{code}"))
}

fn answer(host: &Host, path: &str) -> (u16, String) {
    let answer = host.get(path);
    (answer.status, answer.text().to_owned())
}

/// Waits until a path answers so.
fn wait_for(host: &Host, path: &str, status: u16, text: &str) {
    let started = Instant::now();
    while answer(host, path) != (status, text.to_owned()) {
        assert!(started.elapsed() < Duration::from_secs(20), "{path}: {:?}\n{}", answer(host, path), host.printed());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_decorated_function_is_served_and_listed() {
    let host = app(HELLO).start();
    assert_eq!(answer(&host, "/api/hello?name=Ada"), (200, "Hello, Ada".into()));
    assert_eq!(host.post("/api/hello", "x").status, 200);
    host.wait_for_line(&format!("\thello: [GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS] http://localhost:{}/api/hello", host.port));
    assert_eq!(host.get("/").status, 200);
    assert_eq!(host.get("/api/other").status, 404);
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
}

#[test]
fn routes_methods_names_and_parameters() {
    let code = r"
@app.function_name(name='Shop')
@app.route(route='shop/{category:alpha}/{id:int?}', methods=[func.HttpMethod.GET, 'post'], trigger_arg_name='__', auth_level='function')
def shop(__: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = [context.function_name, __.method, dict(__.route_params)]
    return func.HttpResponse(str(seen), status_code=201)

@app.generic_trigger(arg_name='req', type='httpTrigger', route='generic', auth_level='anonymous')
@app.generic_output_binding(arg_name='$return', type='http')
def generic(req: func.HttpRequest) -> str:
    return 'generic'
";
    let host = app(code).start();
    assert_eq!(answer(&host, "/api/shop/books/7"), (201, "['Shop', 'GET', {'category': 'books', 'id': '7'}]".into()));
    assert_eq!(host.post("/api/shop/books", "").status, 201);
    assert_eq!(host.request("PUT", "/api/shop/books", &[], "x").status, 404);
    assert_eq!((host.get("/api/shop/42").status, host.get("/api/Shop").status), (404, 404));
    assert_eq!(answer(&host, "/api/generic/"), (200, "generic".into()));
}

#[test]
fn what_a_function_returns() {
    let code = r"
@app.route()
def none(req): pass

@app.route()
def text(req):
    return 'text'

@app.route()
def bytes(req):
    return b'bytes'

@app.route()
def response(req):
    return func.HttpResponse('<p>', mimetype='text/html', status_code=404)

@app.route(binding_arg_name='res')
def parameter(req, res: func.Out[func.HttpResponse]):
    res.set(func.HttpResponse('set', status_code=202))

@app.route(binding_arg_name='res')
def parameter_text(req, res: func.Out[str]):
    res.set('set')

@app.generic_trigger(arg_name='req', type='httpTrigger')
def without_output(req):
    return 'x' if req.params else None

@app.route()
async def later(req) -> str:
    import asyncio
    await asyncio.sleep(0.01)
    return 'later'

@app.route()
def fails(req):
    1 / 0
";
    let host = app(code).start();
    for (path, status, text) in [
        ("none", 500, ""),
        ("text", 200, "text"),
        ("bytes", 500, ""),
        ("response", 404, "<p>"),
        ("parameter", 202, "set"),
        ("parameter_text", 200, "set"),
        ("without_output", 204, ""),
        ("without_output?a=b", 500, ""),
        ("later", 200, "later"),
        ("fails", 500, ""),
    ] {
        assert_eq!(answer(&host, &format!("/api/{path}")), (status, text.to_owned()), "{path}\n{}", host.printed());
    }
    host.wait_for_line("Exception: TypeError: unable to encode outgoing TypedData: unsupported type \"http\" for Python type \"NoneType\"");
    let lines = host.lines_until(0, "Exception: ZeroDivisionError: division by zero");
    assert_eq!(lines[lines.len() - 2], "Result: Failure");
}

#[test]
fn the_context_of_an_invocation() {
    let code = r"
@app.route()
def about(req, context: func.Context):
    import json
    trace, retry = context.trace_context, context.retry_context
    return json.dumps({
        'name': context.function_name,
        'folder': context.function_directory,
        'ids': [context.invocation_id, context.thread_local_storage.invocation_id],
        'trace': [trace.Traceparent, trace.Tracestate],
        'retries': [retry.retry_count, retry.max_retry_count],
        'module': __name__,
    })
";
    let host = app(code).start();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let seen = host.request("GET", "/api/about", &[("traceparent", parent), ("tracestate", "vendor=1")], "").json();
    assert_eq!((&seen["name"], &seen["folder"], &seen["module"]), (&json!("about"), &json!("/home/site/wwwroot"), &json!("function_app")));
    assert_eq!(seen["ids"][0], seen["ids"][1]);
    assert!(seen["trace"][0].as_str().unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{seen}");
    assert_eq!((&seen["trace"][1], &seen["retries"]), (&json!("vendor=1"), &json!([0, 0])));
}

#[test]
fn blueprints_bring_functions_from_other_files() {
    let blueprint = |name: &str| {
        format!(
            "{IMPORTS}bp = func.Blueprint()\n\n@bp.route()\ndef {name}(req, context):\n    return __name__ + ' ' + context.function_directory\n"
        )
    };
    let host = app(&format!(
        "{HELLO}from blueprint import bp as first\nfrom parts.deeper import two\napp.register_functions(first)\napp.register_blueprint(two.bp)\n"
    ))
    .file("blueprint.py", blueprint("one"))
    .file("parts/deeper/two.py", blueprint("two"))
    .start();
    assert_eq!(answer(&host, "/api/hello"), (200, "Hello, world".into()));
    assert_eq!(answer(&host, "/api/one"), (200, "blueprint /home/site/wwwroot".into()));
    assert_eq!(answer(&host, "/api/two"), (200, "parts.deeper.two /home/site/wwwroot/parts/deeper".into()));
}

#[test]
fn the_entry_file_can_have_another_name() {
    let app = App::new().file("main.py", format!("{IMPORTS}{NEW_APP}{HELLO}")).file("function_app.py", "1 / 0\n");
    let host = app.start_with(&[], &[("PYTHON_SCRIPT_FILE_NAME", "main.py"), ("AzureWebJobsFeatureFlags", "EnableWorkerIndexing")]);
    assert_eq!(answer(&host, "/api/hello"), (200, "Hello, world".into()));
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
}

#[test]
fn a_name_that_can_be_no_entry_file_is_told_at_each_request() {
    let host = app(HELLO).start_with(&[], &[("PYTHON_SCRIPT_FILE_NAME", "main")]);
    host.wait_for_line("PYTHON_SCRIPT_FILE_NAME must be the name of a Python file");
    assert_eq!((host.get("/api/hello").status, host.get("/").status), (500, 200));
    host.wait_for_line("Exception: ");
}

#[test]
fn both_models_in_one_folder_are_v2() {
    let host = app(HELLO).function("old", HTTP, "def main(req):\n    return 'old'\n").start();
    assert_eq!((host.get("/api/hello").status, host.get("/api/old").status), (200, 404));
    host.wait_for_line("function_app.py makes this an app of programming model v2, so function.json is not read in old");
}

/// An app that can't be loaded: it answers 404 beside its home page, and says why.
fn assert_no_functions(app: &App, expected: &[&str]) {
    let host = app.start();
    assert_eq!((host.get("/api/hello").status, host.get("/").status), (404, 200));
    host.wait_for_line("snapfunc: no functions: function_app.py could not be loaded");
    for line in expected {
        host.wait_for_line(line);
    }
}

#[test]
fn an_import_that_fails_is_told_with_its_traceback() {
    assert_no_functions(
        &app(&format!("{HELLO}import helper\n")).file("helper.py", "\n1 / 0\n"),
        &[
            "Result: Failure",
            "Exception: ZeroDivisionError: division by zero",
            "  File \"/home/site/wwwroot/helper.py\", line 2, in <module>",
        ],
    );
    assert_no_functions(
        &app("import does_not_exist\n"),
        &[
            "Exception: ModuleNotFoundError: No module named 'does_not_exist'. Cannot find module. Please check the requirements.txt file for the \
           missing module. For more info, please refer the troubleshooting guide: https://aka.ms/functions-modulenotfound. Current sys.path: ['",
        ],
    );
    assert_no_functions(&app("def f(:\n"), &["Exception: SyntaxError: ", "/home/site/wwwroot/function_app.py\", line"]);
    assert_no_functions(&app("raise SystemExit(3)\n"), &["Exception: SystemExit: 3"]);
}

#[test]
fn what_makes_no_app_is_told() {
    assert_no_functions(
        &app(&format!("{HELLO}other = func.FunctionApp()\n")),
        &[
            "Exception: FunctionLoadError: More than one FunctionApp or other top level function app instances are defined in function_app.py",
        ],
    );
    let blueprint = HELLO.replace("app", "bp");
    assert_no_functions(
        &App::new().file("function_app.py", format!("{IMPORTS}bp = func.Blueprint()\n{blueprint}")),
        &["Could not find top level function app instances in function_app.py", "app.register_functions(bp)"],
    );
    assert_no_functions(&app(&format!("{HELLO}{HELLO}")), &["Function hello does not have a unique function name"]);
    assert_no_functions(&app("@app.function_name('f')\ndef f(req): pass\n"), &["Function f does not have a trigger"]);
}

#[test]
fn an_app_without_functions_is_told() {
    let host = app("").start();
    host.wait_for_line("snapfunc: no functions: the FunctionApp in function_app.py has none");
    assert_eq!(host.get("/").status, 200);
}

#[test]
fn what_is_wrong_with_one_function_leaves_the_others() {
    let code = r"
@app.route()
def lacks(): pass

@app.route()
def more(req, extra): pass

@app.event_hub_message_trigger(arg_name='event', event_hub_name='hub', connection='HUB')
def hub(event): pass

@app.function_name('1st')
@app.route()
def first(req): pass

@app.route()
def Hello(req): pass

@app.route()
@app.generic_input_binding(arg_name='row', type='table', limit=object())
def odd(req, row): pass
";
    let host = app(&format!("{HELLO}{code}")).start();
    assert_eq!(answer(&host, "/api/lacks"), (500, String::new()));
    assert_eq!(answer(&host, "/api/more"), (500, String::new()));
    for line in [
        "cannot load the lacks function: the following parameters are declared in its decorators but not in Python: {'req'}",
        "cannot load the more function: the following parameters are declared in Python but not in its decorators: {'extra'}",
        "function_app.py, function hub: `event.type` is eventHubTrigger",
        "function_app.py: 1st can't be the name of a function: give it another with @app.function_name",
        "function_app.py: the functions hello and Hello are the same, as case doesn't count: rename one",
        "Exception: TypeError: Object of type object is not JSON serializable",
        "\thub: eventHubTrigger (broken)",
    ] {
        host.wait_for_line(line);
    }
    assert_eq!(answer(&host, "/api/hello"), (200, "Hello, world".into()));
}

#[test]
fn only_the_functions_that_are_asked_for_run() {
    let code: String = ["a", "b", "c"].iter().map(|name| HELLO.replace("hello", name)).collect();
    let app = app(&code);
    let statuses = |host: &Host| ["a", "b", "c"].map(|name| host.get(&format!("/api/{name}")).status);
    let host = app.start_with(&["--functions", "a", "C", "x"], &[]);
    assert_eq!(statuses(&host), [200, 404, 200]);
    host.wait_for_line("names x, but the app has only a, b, c");
    let host = app.start_with(&[], &[("AzureWebJobs.a.Disabled", "true")]);
    assert_eq!(statuses(&host), [404, 200, 200]);
    host.wait_for_line("a: httpTrigger (disabled)");
    let host = app.host_json(r#""functions": ["b"]"#).start();
    assert_eq!(statuses(&host), [404, 200, 404]);
}

#[test]
fn changes_are_taken_over_and_mistakes_are_not() {
    let app = app(HELLO);
    let host = app.start();
    let write = |code: &str| std::fs::write(app.path().join("function_app.py"), format!("{IMPORTS}{NEW_APP}{code}")).unwrap();
    write(&HELLO.replace("Hello", "Bye").replace("def hello", "def bye"));
    wait_for(&host, "/api/bye", 200, "Bye, world");
    assert_eq!(host.get("/api/hello").status, 404);
    for (mistake, line) in [
        ("1 / 0\n".to_owned(), "the one before is served on: function_app.py can't be loaded (see above)"),
        ("@app.route()\ndef bye(): pass\n".to_owned(), "the one before is served on: bye can't be loaded any more (see above)"),
    ] {
        let mark = host.mark();
        write(&mistake);
        host.lines_until(mark, line);
        assert_eq!(answer(&host, "/api/bye"), (200, "Bye, world".into()));
    }
    write(HELLO);
    wait_for(&host, "/api/hello", 200, "Hello, world");
}

#[test]
fn settings_are_there_when_the_entry_file_is_imported() {
    let code = HELLO.replace("'Hello, '", "os.environ['GREETING'] + ' '").replace("@app.route()", "@app.route(route=os.environ['ROUTE'])");
    let app = app(&format!("import os\n{code}"));
    let arguments = ["--pass-env", "GREETING", "--pass-env", "ROUTE"];
    let host = app.start_with(&arguments, &[("GREETING", "Good morning,"), ("ROUTE", "there")]);
    assert_eq!(answer(&host, "/api/there"), (200, "Good morning, world".into()));
    assert!(!host.printed().contains("Exception"), "{}", host.printed());
    // Nothing of one start is left for the next.
    let host = app.start_with(&arguments, &[("GREETING", "Hi,"), ("ROUTE", "here")]);
    assert_eq!((host.get("/api/there").status, answer(&host, "/api/here")), (404, (200, "Hi, world".into())));
    assert_no_functions(&app, &["Exception: KeyError: 'ROUTE'"]);
}

#[test]
fn the_next_start_takes_the_snapshot_with_its_functions() {
    let code = format!("import uuid\nMADE = str(uuid.uuid4())\n{}", HELLO.replace("'Hello, '", "MADE"));
    let app = app(&code);
    let first = answer(&app.start(), "/api/hello");
    assert_eq!(first.0, 200);
    assert_eq!(answer(&app.start(), "/api/hello"), first, "it was imported again");
    // Settings that it does not look at change nothing.
    assert_eq!(answer(&app.start_with(&["--pass-env", "X"], &[("X", "1")]), "/api/hello"), first);
}

#[test]
fn an_app_in_one_file_has_its_functions_too() {
    let app = app(HELLO);
    let bundle = app.path().join("app.snap");
    let build = |app: &App| {
        let mut command = snapfunc(&[]);
        command.arg("build").arg(app.path()).arg("--output").arg(&bundle);
        run_to_end(command)
    };
    let built = build(&app);
    assert!(built.status.success(), "{built:?}");
    let host = Host::start(&bundle, &[], &[]);
    assert_eq!(answer(&host, "/api/hello"), (200, "Hello, world".into()));
    let refused = build(&App::new().file("function_app.py", "1 / 0\n"));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("nothing was built: function_app.py can't be loaded (see above)"), "{error}");
}

#[test]
fn an_asgi_app_is_served_in_the_workers_loop() {
    let code = r#"
import asyncio
import json
import azure.functions as func

loops = set()

async def web(scope, receive, send):
    loops.add(id(asyncio.get_running_loop()))
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            logging.info("lifespan: %s", message["type"])
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    message = await receive()
    await asyncio.gather(*(asyncio.sleep(0.01) for _ in range(3)))
    seen = {"path": scope["path"], "method": scope["method"], "query": scope["query_string"].decode(), "body": message["body"].decode(),
            "headers": {name.decode(): value.decode() for name, value in scope["headers"]}, "loops": len(loops),
            "function": scope["azure_functions.function_name"]}
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-type", b"application/json"), (b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
"#;
    let app = App::new().file("function_app.py", format!("import logging\n{code}"));
    let host = app.host_json(r#""extensions": {"http": {"routePrefix": ""}}"#).start();
    for _ in 0..2 {
        let answer = host.request("PATCH", "/a/b?c=d", &[("x-thing", "y")], "body");
        assert_eq!((answer.status, answer.header("content-type"), answer.header("x-own")), (202, Some("application/json"), Some("1")));
        let seen = answer.json();
        assert_eq!((&seen["path"], &seen["method"], &seen["query"]), (&json!("/a/b"), &json!("PATCH"), &json!("c=d")));
        assert_eq!((&seen["body"], &seen["headers"]["x-thing"], &seen["loops"]), (&json!("body"), &json!("y"), &json!(1)));
        assert_eq!(seen["function"], "http_app_func");
    }
    // It has every path, the home page's too; but not those of the host itself.
    assert_eq!(host.get("/").json()["path"], "/");
    assert_eq!(host.post("/admin/host/ping?checkHealth=1", "").text(), "");
    assert_eq!(host.lines().iter().filter(|line| *line == "lifespan: lifespan.startup").count(), 1);
}

#[test]
fn a_wsgi_app_is_served() {
    let code = r#"
def web(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/api/fails":
        1 / 0
    start_response("201 Created", [("Content-Type", "text/html"), ("X-Own", "1")])
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["PATH_INFO"].encode(), b"?", environ["QUERY_STRING"].encode(), b" ", body]

app = func.WsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS, function_name="web")
"#;
    let host = App::new().file("function_app.py", format!("{IMPORTS}{code}")).start();
    let answer = host.post("/api/a/b?c=d", "body");
    assert_eq!((answer.status, answer.text(), answer.header("x-own")), (201, "POST /api/a/b?c=d body", Some("1")));
    host.wait_for_line("\tweb: [");
    assert_eq!(host.get("/api/fails").status, 500);
    host.wait_for_line("Exception: ZeroDivisionError: division by zero");
}

#[test]
fn middlewares_serve_a_function_of_model_v1_too() {
    let bindings =
        r#"[{"type": "httpTrigger", "name": "req", "route": "{*path}"}, {"type": "http", "direction": "out", "name": "$return"}]"#;
    let asgi = r#"
import azure.functions as func

async def web(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})

"#;
    for main in [
        "main = func.AsgiMiddleware(web).main",
        "async def main(req, context):\n    return await func.AsgiMiddleware(web).handle_async(req, context)",
        "def main(req, context):\n    return func.AsgiMiddleware(web).handle(req, context)",
    ] {
        let host = App::new().function("f", bindings, &format!("{asgi}{main}\n")).start();
        for _ in 0..2 {
            assert_eq!(answer(&host, "/api/x/y"), (200, "/api/x/y".into()), "{main}\n{}", host.printed());
        }
    }
    let wsgi = "import azure.functions as func\n\ndef web(environ, start_response):\n    start_response('200 OK', [])\n    return [environ['PATH_INFO'].encode()]\n\n";
    for main in
        ["main = func.WsgiMiddleware(web).main", "def main(req, context):\n    return func.WsgiMiddleware(web).handle(req, context)"]
    {
        let host = App::new().function("f", bindings, &format!("{wsgi}{main}\n")).start();
        assert_eq!(answer(&host, "/api/x/y"), (200, "/api/x/y".into()), "{main}\n{}", host.printed());
    }
}

#[test]
fn an_invocation_each_gets_a_copy_of_the_app() {
    let code = "count = 0\n\n@app.route()\ndef counted(req):\n    global count\n    count += 1\n    return str(count)\n";
    let host = app(code).host_json(r#""snapfunc": {"isolation": "invocation"}"#).start();
    assert_eq!([answer(&host, "/api/counted").1, answer(&host, "/api/counted").1], ["1", "1"]);
    let host = app(code).start();
    assert_eq!([answer(&host, "/api/counted").1, answer(&host, "/api/counted").1], ["1", "2"]);
}
