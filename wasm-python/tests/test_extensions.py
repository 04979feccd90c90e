"""Worker extensions: third-party hooks around functions."""

import pytest
from azure.functions.extension import ExtensionMeta

from helpers import app, invocation, source
from snapfunc_worker import extensions
from snapfunc_worker.model import Configuration, Failure, Level, Outcome
from snapfunc_worker.worker import Worker

LIBRARY = """
from azure.functions import AppExtensionBase, FuncExtensionBase

seen = []

class ForAll(AppExtensionBase):
    @classmethod
    def post_function_load_app_level(cls, name, directory, *args, **kwargs):
        seen.append(f"app load {name}")
    @classmethod
    def pre_invocation_app_level(cls, logger, context, arguments, *args, **kwargs):
        context.tracer = f"tracer of {context.function_name}"
        seen.append(f"app before {sorted(arguments)} {logger.name}")
    @classmethod
    def post_invocation_app_level(cls, logger, context, arguments, returned, *args, **kwargs):
        seen.append(f"app after {returned}")

class ForOne(FuncExtensionBase):
    def __init__(self, file):
        super().__init__(file)
    def post_function_load(self, name, directory, *args, **kwargs):
        seen.append(f"own load {name}")
    def pre_invocation(self, logger, context, arguments, *args, **kwargs):
        seen.append("own before")
        raise ValueError("of the extension")
    def post_invocation(self, logger, context, arguments, returned, *args, **kwargs):
        seen.append(f"own after {returned}")
"""
FUNCTION = """
import library
extension = library.ForOne(__file__)

{kind} main(req, context):
    library.seen.append("function")
    return context.tracer
"""
BARE = "import library\ndef main(req):\n    return ','.join(library.seen)\n"


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(ExtensionMeta, "_func_exts", {})
    monkeypatch.setattr(ExtensionMeta, "_app_exts", None)
    monkeypatch.setattr(ExtensionMeta, "_info", {})
    yield
    monkeypatch.undo()
    extensions.look()


def load(app_folder, write, kind, value):
    write("library.py", LIBRARY)
    write("f/__init__.py", FUNCTION.format(kind=kind))
    write("g/__init__.py", BARE)
    worker = Worker()
    settings = [("AzureWebJobsScriptRoot", str(app_folder)), ("PYTHON_ENABLE_WORKER_EXTENSIONS", value)]
    worker.configure(Configuration(settings, Level.INFORMATION))
    loaded = worker.load(app(app_folder, source(app_folder, "f"), source(app_folder, "g")))
    assert [function.error for function in loaded.functions] == [None, None]
    return worker


def text(worker, name) -> str:
    outcome = worker.invoke(invocation(name=name))
    assert isinstance(outcome, Outcome), outcome
    return outcome.return_value.value


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_they_are_called_around_load_and_invocations(app_folder, write, kind, caplog):
    worker = load(app_folder, write, kind, "1")
    assert text(worker, "f") == "tracer of f"
    before = "app before ['context', 'req'] azure_functions_worker.extension.ForAll"
    after = ["own after tracer of f", "app after tracer of f"]
    expected = ["own load f", "app load f", "app load g", before, "own before", "function", *after, before.replace("'context', ", "")]
    assert text(worker, "g").split(",") == ",".join(expected).split(",")
    assert "of the extension" in caplog.text


def test_without_the_setting_they_are_not_called(app_folder, write):
    worker = load(app_folder, write, "def", "0")
    failure = worker.invoke(invocation(name="f"))
    assert isinstance(failure, Failure)
    assert failure.message == "'Context' object has no attribute 'tracer'"
    assert text(worker, "g") == "function"
