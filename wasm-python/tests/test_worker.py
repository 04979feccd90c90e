"""Loading and invoking functions of model v1."""

import builtins

import pytest
from azure.functions.meta import Datum

from helpers import HTTP, app, invocation, request, source
from snapfunc_worker.model import Configuration, Failure, Level, Outcome
from snapfunc_worker.worker import Worker


def load(app_folder, *functions, packages=()):
    worker = Worker()
    answers = worker.load(app(app_folder, *functions, packages=packages)).functions
    return worker, {answer.name: answer.error for answer in answers}


def load_one(app_folder, write, code, **options):
    write("f/__init__.py", code)
    worker, answers = load(app_folder, source(app_folder, **options))
    return worker, answers["f"]


def run(worker, **options) -> Outcome:
    outcome = worker.invoke(invocation(**options))
    assert isinstance(outcome, Outcome), outcome
    return outcome


def fail(worker, **options) -> Failure:
    failure = worker.invoke(invocation(**options))
    assert isinstance(failure, Failure), failure
    return failure


def test_the_guides_first_function(app_folder, write):
    worker, error = load_one(app_folder, write, "def main(req):\n    return f\"Hello, {req.params.get('user')}!\"\n")
    assert error is None
    outcome = run(worker, inputs={"req": request(query={"user": "Ada"})})
    assert (outcome.return_value.type, outcome.return_value.value) == ("string", "Hello, Ada!")


def test_a_module_is_named_below_the_app_package_and_its_code_runs_once(app_folder, write):
    write("f/counted.py", "import builtins\nbuiltins.runs = getattr(builtins, 'runs', 0) + 1\n")
    code = "from . import counted\nfrom __app__.f import counted as same\nimport builtins\n"
    code += "def main(req):\n    return f'{__name__} {builtins.runs}'\n"
    worker, error = load_one(app_folder, write, code)
    assert error is None
    assert run(worker).return_value.value == "__app__.f 1"


def test_script_file_entry_point_shared_code_and_packages(app_folder, write):
    code = "from SharedCode.one import ONE\nfrom __app__.SharedCode.one import ONE as two\nimport third\n"
    write("shared/run.py", code + "def go(req):\n    return f'{__name__} {ONE} {two} {third.NAME}'\n")
    write("SharedCode/one.py", "ONE = 1\n")
    write("third.py", "NAME = 'the app root'\n")
    write("packages/third.py", "NAME = 'a package'\n")
    function = source(app_folder, script="../shared/run.py", entry_point="go")
    function.script_file = f"{app_folder}/shared/run.py"
    worker, answers = load(app_folder, function, packages=[app_folder / "packages"])
    assert answers["f"] is None
    assert run(worker).return_value.value == "__app__.shared.run 1 1 a package"


def test_one_broken_function_does_not_stop_the_other(app_folder, write):
    write("bad/__init__.py", "def main(req)\n    return 1\n")
    write("good/__init__.py", "def main(req):\n    return 'good'\n")
    worker, answers = load(app_folder, source(app_folder, "bad"), source(app_folder, "good"))
    assert answers["good"] is None
    assert answers["bad"].kind == "SyntaxError"
    assert "bad/__init__.py" in answers["bad"].stack
    assert run(worker, name="good").return_value.value == "good"
    assert fail(worker, name="bad") == answers["bad"]


def test_a_missing_module_says_what_to_do_in_one_line(app_folder, write):
    _, error = load_one(app_folder, write, "import no_such_module\ndef main(req): pass\n")
    assert error.kind == "ModuleNotFoundError"
    assert error.message.startswith(
        "No module named 'no_such_module'. Cannot find module. Please check the requirements.txt file for the missing module. For more "
        "info, please refer the troubleshooting guide: https://aka.ms/functions-modulenotfound. Current sys.path: ['"
    )
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("code", "bindings", "words"),
    [
        ("def main(req, extra): pass", HTTP, "declared in Python but not in function.json: {'extra'}"),
        ("def main(): pass", HTTP, "declared in function.json but not in Python: {'req'}"),
        ("def other(req): pass", HTTP, "function main() is not present in"),
        ("main = 1", HTTP, "function main() is not present in"),
        ("def main(req: int): pass", HTTP, 'type of req binding in function.json "httpTrigger" does not match its Python annotation "int"'),
        ("def main(req) -> int: pass", HTTP, 'Python return annotation "int" does not match binding type "http"'),
        ("def main(req, context: int): pass", HTTP, 'the "context" parameter is expected to be of type azure.functions.Context'),
        (
            "import azure.functions as func\ndef main(req: func.Out[str]): pass",
            HTTP,
            'binding req is declared to have the "in" direction in function.json, but its annotation is azure.functions.Out',
        ),
        (
            "def main(req, msg: str): pass",
            (*HTTP, ("msg", "queue", "out")),
            "its annotation in Python is not a subclass of azure.functions.Out",
        ),
        (
            "import azure.functions as func\ndef main(req, msg: func.Out): pass",
            (*HTTP, ("msg", "queue", "out")),
            "binding msg has invalid Out annotation",
        ),
        ("def main(req: 123): pass", HTTP, "binding req has invalid non-type annotation 123"),
        ("def main(req) -> 123: pass", HTTP, "has invalid non-type return annotation 123"),
        ("def main(req): pass", (HTTP[0], ("$return", "http", "in")), '"$return" binding must have direction set to "out"'),
        ("def main(req, row): pass", (*HTTP, ("row", "table", "inout")), '"inout" bindings are not supported'),
    ],
)
def test_what_does_not_fit_its_bindings_is_a_load_error(app_folder, write, code, bindings, words):
    _, error = load_one(app_folder, write, code, bindings=bindings)
    assert error.kind == "FunctionLoadError"
    assert "f function: " in error.message
    assert words in error.message


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "raise KeyboardInterrupt", "1 / 0"])
def test_whatever_a_script_raises_is_that_functions_failure(app_folder, write, code):
    _, error = load_one(app_folder, write, code)
    assert error is not None
    assert "f/__init__.py" in error.stack


def test_an_exception_comes_with_the_users_frames_only(app_folder, write):
    worker, _ = load_one(app_folder, write, "def main(req):\n    return helper()\ndef helper():\n    return 1 / 0\n")
    failure = fail(worker)
    assert (failure.kind, failure.message) == ("ZeroDivisionError", "division by zero")
    assert failure.stack.startswith("Traceback (most recent call last):\n")
    assert "in main" in failure.stack and "in helper" in failure.stack
    assert "snapfunc_worker" not in failure.stack


def test_what_a_bindings_converter_can_not_take_fails(app_folder, write):
    worker, _ = load_one(app_folder, write, "def main(req):\n    return b'bytes'\n")
    failure = fail(worker)
    assert failure.kind == "TypeError"
    assert failure.message == 'unable to encode outgoing TypedData: unsupported type "http" for Python type "bytes"'


def test_a_value_without_a_return_binding_fails_and_none_does_not(app_folder, write):
    worker, _ = load_one(app_folder, write, "def main(req):\n    return 1 if req.params else None\n", bindings=HTTP[:1])
    assert run(worker).return_value is None
    failure = fail(worker, inputs={"req": request(query={"a": "b"})})
    assert failure.message == "function 'f' without a $return binding returned a non-None value"


def test_outputs_are_those_that_were_set_last(app_folder, write):
    code = "import azure.functions as func\ndef main(req, msg: func.Out[str], other: func.Out[bytes]):\n"
    code += "    msg.set('1')\n    msg.set(msg.get() + '2')\n    return 'ok'\n"
    bindings = (*HTTP, ("msg", "queue", "out"), ("other", "blob", "out"))
    worker, error = load_one(app_folder, write, code, bindings=bindings)
    assert error is None
    outcome = run(worker)
    assert [(name, datum.type, datum.value) for name, datum in outcome.outputs] == [("msg", "string", "12")]


def test_async_functions_and_context(app_folder, write):
    code = (
        "import asyncio\nimport azure.functions as func\n"
        "async def main(req, context: func.Context):\n    await asyncio.sleep(0)\n"
        "    c = context\n    r = c.retry_context\n"
        "    return ' '.join([c.function_name, c.invocation_id, c.function_directory[-2:], c.trace_context.Traceparent,\n"
        "        c.trace_context.trace_state, c.thread_local_storage.invocation_id, str(r.retry_count), str(r.max_retry_count)])\n"
    )
    worker, error = load_one(app_folder, write, code)
    assert error is None

    class Retry:
        count, max_count, last_failure = 1, 3, None

    outcome = run(worker, traceparent="parent", tracestate="state", retry=Retry)
    assert outcome.return_value.value == "f id-1 /f parent state id-1 1 3"


def test_without_a_retry_policy_it_is_the_first_try(app_folder, write):
    code = "def main(req, context):\n    r = context.retry_context\n    return f'{r.retry_count} {r.max_retry_count} {r.exception}'\n"
    worker, _ = load_one(app_folder, write, code)
    assert run(worker).return_value.value == "0 0 None"


def test_a_parameter_bound_as_context_is_no_context(app_folder, write):
    bindings = (("context", "httpTrigger", "in"), ("$return", "http", "out"))
    worker, error = load_one(app_folder, write, "def main(context):\n    return context.method\n", bindings=bindings)
    assert error is None
    assert run(worker, inputs={"context": request("put")}).return_value.value == "PUT"


def test_binding_types_that_the_sdk_does_not_know_pass_text_and_bytes(app_folder, write):
    bindings = (*HTTP, ("data", "unheardOf", "in"), ("out", "unheardOf", "out"))
    code = "def main(req, data, out):\n    out.set(data.encode())\n    return data\n"
    worker, error = load_one(app_folder, write, code, bindings=bindings)
    assert error is None
    outcome = run(worker, inputs={"req": request(), "data": Datum("text", "string")})
    assert outcome.outputs[0][1].value == b"text"


@pytest.mark.parametrize(
    ("value", "datum"),
    [
        ("'text'", ("string", "text")),
        ("b'bytes'", ("bytes", b"bytes")),
        ("{'a': [1]}", ("json", '{"a": [1]}')),
        ("[1, 2]", ("json", "[1, 2]")),
        ("12", ("int", 12)),
        ("True", ("int", 1)),
        ("0.5", ("double", 0.5)),
        ("None", (None, None)),
    ],
)
def test_a_binding_without_a_converter_lets_any_value_be_returned(app_folder, write, value, datum):
    bindings = (HTTP[0], ("row", "table", "in"))
    worker, error = load_one(app_folder, write, f"def main(req, row):\n    return {value}\n", bindings=bindings)
    assert error is None
    returned = run(worker).return_value
    assert (returned.type, returned.value) == datum


def test_configure_replaces_the_environment(monkeypatch):
    monkeypatch.setattr("os.environ", dict(OLD="1"))
    import os

    Worker().configure(Configuration({"NEW": "2"}, Level.INFORMATION))
    assert os.environ == {"NEW": "2"}


def warm_up(app_folder, write, code):
    write("warm/__init__.py", code)
    bindings = [("context", "warmupTrigger", "in")]
    worker = Worker()
    loaded = worker.load(app(app_folder, source(app_folder, "warm", bindings=bindings)))
    assert loaded.functions[0].error is None
    return loaded


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_warm_up_function_runs_while_the_app_is_loaded(app_folder, write, define):
    code = "import builtins, os\n" + define + " main(context):\n    builtins.warmed = type(context).__name__, os.environ.get('WARM_BY')\n"
    loaded = warm_up(app_folder, write, code)
    assert builtins.warmed == ("WarmUpContext", None)
    assert "WARM_BY" in loaded.settings_read


def test_a_warm_up_function_that_fails_is_told(app_folder, write, caplog):
    warm_up(app_folder, write, "def main(context):\n    raise SystemExit(3)\n")
    assert "the warm-up function warm failed" in caplog.text
    assert "SystemExit: 3" in caplog.text
