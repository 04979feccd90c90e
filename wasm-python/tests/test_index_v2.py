"""Finding the functions of programming model v2, and running them."""

import json
import sys

import pytest

from helpers import invocation, request
from snapfunc_worker.model import App, Outcome
from snapfunc_worker.worker import Worker

IMPORTS = "import azure.functions as func\n"
APP = IMPORTS + "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
HELLO = (
    APP + "@app.route(route='hello/{name}')\ndef hello(req: func.HttpRequest) -> str:\n    return 'Hello, ' + req.route_params['name']\n"
)


@pytest.fixture
def load(app_folder, write):
    """Loads an entry file's text; gives the worker, and what loading came to."""

    def load(text: str, name: str = "function_app.py"):
        file = write(name, text)
        worker = Worker()
        return worker, worker.load(App(str(app_folder), [], [], str(file)))

    return load


def run(worker: Worker, name: str = "hello", **inputs):
    outcome = worker.invoke(invocation(name, {"req": request(params={"name": "Ada"})} | inputs))
    assert isinstance(outcome, Outcome), outcome
    return outcome.return_value.value


def definition(loaded, name: str):
    (function,) = (function for function in loaded.functions if function.name == name)
    assert function.error is None, function.error
    return json.loads(function.definition)


def test_a_function_and_its_definition(load):
    worker, loaded = load(HELLO)
    assert loaded.entry_file_error is None
    trigger, output = sorted(definition(loaded, "hello")["bindings"], key=lambda binding: binding["type"], reverse=True)
    assert (trigger["type"], trigger["direction"], trigger["name"]) == ("httpTrigger", "IN", "req")
    assert (trigger["authLevel"], trigger["route"]) == ("ANONYMOUS", "hello/{name}")
    assert (output["type"], output["direction"], output["name"]) == ("http", "OUT", "$return")
    assert definition(loaded, "hello")["scriptFile"] == "function_app.py"
    assert run(worker) == "Hello, Ada"


def test_the_module_has_the_files_name(load):
    worker, loaded = load(APP + "@app.route()\ndef hello(req) -> str:\n    return __name__\n", "my-main.py")
    assert definition(loaded, "hello")["scriptFile"] == "my-main.py"
    assert run(worker) == "my-main"


def test_a_file_whose_module_is_another_is_told(load):
    _, loaded = load(HELLO, "json.py")
    assert loaded.functions == []
    assert "json.py can't be imported, as the module json is " in loaded.entry_file_error.message
    assert "PYTHON_SCRIPT_FILE_NAME" in loaded.entry_file_error.message


def test_function_name_generic_decorators_and_retry(load):
    code = (
        "@app.function_name(name='other')\n"
        "@app.generic_trigger(arg_name='req', type='httpTrigger', route='there', auth_level='admin')\n"
        "@app.generic_input_binding(arg_name='row', type='table', table_name='t', partition_key='p')\n"
        "@app.generic_output_binding(arg_name='$return', type='http')\n"
        "@app.retry(strategy='fixed_delay', max_retry_count='3', delay_interval='00:00:01')\n"
        "def f(req, row):\n    return row\n"
    )
    worker, loaded = load(APP + code)
    described = definition(loaded, "other")
    bindings = {binding["name"]: binding for binding in described["bindings"]}
    assert (bindings["row"]["tableName"], bindings["row"]["partitionKey"]) == ("t", "p")
    assert bindings["req"]["authLevel"] == "admin"
    assert described["retry"] == {"strategy": "fixedDelay", "maxRetryCount": "3", "delayInterval": "00:00:01"}
    assert described["entryPoint"] == "other"
    assert worker.invoke(invocation("f")).message.startswith("function 'f' was not loaded")


def test_exponential_retry(load):
    retry = "@app.retry(strategy='exponential_backoff', max_retry_count='-1', minimum_interval='00:00:01', maximum_interval='00:00:05')\n"
    _, loaded = load(APP + "@app.timer_trigger(schedule='* * * * * *', arg_name='t')\n" + retry + "def f(t): pass\n")
    assert definition(loaded, "f")["retry"] == {
        "strategy": "exponentialBackoff",
        "maxRetryCount": "-1",
        "minimumInterval": "00:00:01",
        "maximumInterval": "00:00:05",
    }


def test_intervals_of_a_back_off_may_be_left_out(load):
    retry = "@app.retry(strategy='exponential_backoff', max_retry_count='3', minimum_interval='00:00:01')\n"
    _, loaded = load(APP + "@app.timer_trigger(schedule='* * * * * *', arg_name='t')\n" + retry + "def f(t): pass\n")
    assert definition(loaded, "f")["retry"] == {
        "strategy": "exponentialBackoff",
        "maxRetryCount": "3",
        "minimumInterval": "00:00:01",
        "maximumInterval": "24855.03:14:07",
    }


def test_every_decorator_of_the_hosts_bindings(load):
    code = (
        "@app.queue_trigger(arg_name='msg', queue_name='q', connection='C')\n"
        "@app.queue_output(arg_name='out', queue_name='q2', connection='C')\n"
        "@app.blob_input(arg_name='inside', path='c/in', connection='C', data_type=func.DataType.BINARY)\n"
        "@app.blob_output(arg_name='outside', path='c/out', connection='C')\n"
        "@app.table_input(arg_name='rows', connection='C', table_name='t')\n"
        "@app.table_output(arg_name='row', connection='C', table_name='t')\n"
        "def queue(msg: func.QueueMessage, out: func.Out[str], inside: bytes, outside: func.Out[bytes], rows, row: func.Out[str]): pass\n"
        "@app.blob_trigger(arg_name='blob', path='c/{name}', connection='C')\n"
        "def blob(blob: func.InputStream): pass\n"
        "@app.schedule(schedule='0 * * * * *', arg_name='timer', run_on_startup=True, use_monitor=False)\n"
        "def timer(timer: func.TimerRequest): pass\n"
        "@app.warm_up_trigger('anything')\n"
        "def warmup(anything) -> None: pass\n"
    )
    _, loaded = load(APP + code)
    kinds = {binding["name"]: binding["type"] for binding in definition(loaded, "queue")["bindings"]}
    assert kinds == {"msg": "queueTrigger", "out": "queue", "inside": "blob", "outside": "blob", "rows": "table", "row": "table"}
    binary = [binding for binding in definition(loaded, "queue")["bindings"] if binding["name"] == "inside"]
    assert binary[0]["dataType"] == "BINARY"
    assert definition(loaded, "blob")["bindings"][0]["path"] == "c/{name}"
    assert definition(loaded, "timer")["bindings"][0]["runOnStartup"] is True
    assert definition(loaded, "warmup")["bindings"][0]["type"] == "warmupTrigger"


def test_blueprints_from_subfolders(load, write):
    write("parts/__init__.py", "")
    blueprint = IMPORTS + "bp = func.Blueprint()\n@bp.route('x')\ndef {0}(req: func.HttpRequest, context: func.Context) -> str:\n"
    blueprint += "    return context.function_name + ' ' + context.function_directory\n"
    write("parts/one.py", blueprint.format("one"))
    write("parts/two.py", blueprint.format("two"))
    code = "from parts.one import bp\nfrom parts import two\napp.register_functions(bp)\napp.register_blueprint(two.bp)\n"
    worker, loaded = load(HELLO + code)
    assert sorted(function.name for function in loaded.functions) == ["hello", "one", "two"]
    assert run(worker, "two").startswith("two ") and run(worker, "two").endswith("/parts")


def test_a_second_name_of_the_app_is_no_second_app(load):
    worker, loaded = load(HELLO + "application = app\n")
    assert loaded.entry_file_error is None
    assert run(worker) == "Hello, Ada"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            HELLO + "other = func.FunctionApp()\n",
            "More than one FunctionApp or other top level function app instances are defined in function_app.py: app and other.",
        ),
        (IMPORTS + "bp = func.Blueprint()\n", "Could not find top level function app instances in function_app.py. Add"),
        (IMPORTS + "bp = func.Blueprint()\n", "app.register_functions(bp)"),
        ("", "Could not find top level function app instances in function_app.py."),
        (HELLO + HELLO[len(APP) :], "Function hello does not have a unique function name."),
        (APP + "@app.function_name('f')\ndef f(req): pass\n", "Function f does not have a trigger."),
    ],
)
def test_what_makes_no_app_is_told(load, code, words):
    _, loaded = load(code)
    assert loaded.functions == []
    assert loaded.entry_file_error.kind == "FunctionLoadError"
    assert words in loaded.entry_file_error.message


def test_what_the_import_raises_is_told_with_file_and_line(load):
    _, loaded = load(HELLO + "1 / 0\n")
    assert loaded.entry_file_error.kind == "ZeroDivisionError"
    assert 'function_app.py", line 6' in loaded.entry_file_error.stack
    assert "snapfunc_worker" not in loaded.entry_file_error.stack


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "raise KeyboardInterrupt", "def f(:"])
def test_whatever_the_import_raises(load, code):
    assert load(code)[1].entry_file_error is not None


def test_a_missing_module_says_what_to_do(load):
    _, loaded = load(HELLO + "import no_such_module\n")
    start = "No module named 'no_such_module'. Cannot find module. Please check the requirements.txt file for the missing module."
    assert loaded.entry_file_error.kind == "ModuleNotFoundError"
    assert loaded.entry_file_error.message.startswith(start)


def test_a_function_that_does_not_fit_its_decorators_leaves_the_others(load):
    code = "@app.route()\ndef lacks(): pass\n@app.route()\ndef more(req, extra): pass\n"
    code += "@app.route()\n@app.generic_input_binding(arg_name='x', type='y', thing=object())\ndef odd(req, x): pass\n"
    worker, loaded = load(HELLO + code)
    errors = {function.name: function.error for function in loaded.functions}
    assert "declared in its decorators but not in Python: {'req'}" in errors["lacks"].message
    assert "declared in Python but not in its decorators: {'extra'}" in errors["more"].message
    assert errors["odd"].kind == "TypeError"
    assert worker.invoke(invocation("lacks")) == errors["lacks"]
    assert run(worker) == "Hello, Ada"


ASGI = """
async def web(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        started.append(scope["type"])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body + str(len(started)).encode()})
"""
WSGI = """
def web(environ, start_response):
    start_response("201 Created", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode(), b" ", environ["wsgi.input"].read()]
"""


@pytest.mark.parametrize(
    ("app", "answer"),
    [
        (ASGI + "started = []\napp = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)\n", b"/api/f body1"),
        (WSGI + "app = func.WsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)\n", b"/api/f body"),
    ],
)
def test_web_frameworks(load, app, answer):
    worker, loaded = load(IMPORTS + app)
    (function,) = loaded.functions
    assert (function.name, function.error) == ("http_app_func", None)
    routes = [binding.get("route") for binding in json.loads(function.definition)["bindings"]]
    assert "/{*route}" in routes
    responses = [run(worker, "http_app_func", req=request("POST", body=b"body")) for _ in range(2)]
    # Its `__del__` would wait for ever, in a loop of its own, for what waits in the worker's.
    sys.modules["function_app"].app.startup_task_done = False
    assert [(str(response.status), response.body) for response in responses] == [("201", answer)] * 2


def test_the_sdk_is_the_guests_own_whatever_the_app_brings(load, write):
    write("azure/functions/__init__.py", "raise ImportError('the wrong one')\n")
    worker, loaded = load(HELLO)
    assert loaded.entry_file_error is None
    assert "azure.functions" in sys.modules
    assert run(worker) == "Hello, Ada"
