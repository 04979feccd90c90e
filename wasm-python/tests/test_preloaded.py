"""Packages that are imported before the app: which, and when that would not be what the app finds."""

import logging
import os
import queue
import sys
import types

import pytest

from helpers import app, source
from snapfunc_worker.model import Preloadable
from snapfunc_worker.preloaded import NOTHING
from snapfunc_worker.worker import Worker

FUNCTION = "def main(req): pass\n"


@pytest.fixture(autouse=True)
def as_before(app_folder, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(os.environ, "_data", dict(os.environ._data))
    monkeypatch.setattr(logging, "_loggerClass", logging.getLoggerClass())


@pytest.fixture
def package(write):
    """Writes a module of a package."""
    return lambda name, code="": write(f"packages/{name}", code)


def the_app(app_folder):
    return app(app_folder, source(app_folder), packages=[app_folder / "packages"])


@pytest.fixture
def load(app_folder, write):
    """Loads an app with this code, as a new interpreter would; after its packages, if some are wanted."""

    def load(code: str, wanted: Preloadable = NOTHING):
        for name in [name for name, module in sys.modules.items() if str(app_folder) in str(getattr(module, "__file__", ""))]:
            del sys.modules[name]
        sys.path[:] = [entry for entry in sys.path if str(app_folder) not in entry]
        write("f/__init__.py", code + FUNCTION)
        worker = Worker()
        if wanted.modules:
            looked_for = worker.preload(the_app(app_folder), wanted)
            assert isinstance(looked_for, list), looked_for
        loaded = worker.load(the_app(app_folder))
        assert loaded.functions[0].error is None, loaded.functions[0].error
        return loaded

    return load


def test_packages_come_in_the_order_of_their_import_and_the_apps_own_modules_do_not(load, package, write):
    package("first/__init__.py", "from . import part\n")
    package("first/part.py")
    package("second.py", "import xml.dom.pulldom\n")
    write("own.py", "import second\n")
    found = load("import first, own\n").preloadable
    of_packages = [name for name in found.modules if not name.startswith("xml")]
    assert of_packages == ["first.part", "first", "second"] and "xml.dom.pulldom" in found.modules
    assert sorted(found.others) == ["__app__.f", "own"]


def test_without_packages_nothing_is_worth_it(load):
    assert load("import xml.dom.expatbuilder\n").preloadable == NOTHING


def test_what_reads_settings_is_left_out_with_its_parts(load, package, monkeypatch):
    package("reads/__init__.py", "import os\nfrom . import part\nos.environ['THERE']\nimport inner\n")
    package("reads/part.py")
    package("inner.py")
    package("asks.py", "import os\nassert 'NOT_THERE' not in os.environ\n")
    package("all_of_them.py", "import os\ndict(os.environ)\n")
    package("by_call.py", "import os\ndef value():\n    return os.environ['THERE']\n")
    monkeypatch.setitem(os.environ, "THERE", "1")
    found = load("import reads, asks, all_of_them, by_call\nby_call.value()\n").preloadable
    assert found.modules == ["inner", "asks", "by_call"]
    assert sorted(found.others) == ["__app__.f", "all_of_them", "reads", "reads.part"]


def test_an_app_that_exchanges_modules_has_nothing_preloaded(load, package, monkeypatch):
    package("some.py")
    monkeypatch.setitem(sys.modules, "queue", queue)
    assert load("import sys, types\nsys.modules['queue'] = types.ModuleType('queue')\nimport some\n").preloadable == NOTHING


def test_preloaded_packages_are_those_of_the_app(load, package):
    package("once.py", "import builtins\nbuiltins.imports += 1\n")
    sys.modules["builtins"].imports = 0
    loaded = load("import once\n", load("import once\n").preloadable)
    assert (loaded.disagreement, loaded.preloadable, sys.modules["builtins"].imports) == (None, NOTHING, 2)


def test_settings_that_packages_looked_for_count_as_the_apps(load, package):
    package("asks.py", "import os\nos.environ.get('NOT_THERE')\n")
    loaded = load("import asks\n", load("import asks\n").preloadable)
    assert loaded.disagreement is None and "NOT_THERE" in loaded.settings_read


def test_what_else_the_app_imports_can_be_preloaded_too(load, package):
    package("one.py")
    package("two.py")
    found = load("import one, two\n", load("import one\n").preloadable)
    assert found.disagreement is None
    assert (found.preloadable.modules, found.preloadable.others) == (["one", "two"], ["__app__.f"])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os\nos.environ['NAME'] = '1'\nimport some\n", "it sets NAME, for which its packages look"),
        ("import sys, types\nsys.modules['some'] = types.ModuleType('some')\n", "it exchanges the module some"),
        ("import sys\nclass Finder:\n    def find_spec(*_): pass\nsys.meta_path.append(Finder)\n", "it changes how modules are imported"),
        ("import sys\nsys.path.insert(0, 'vendored')\n", "it puts a folder before its packages that has some too"),
        ("import sys\nsys.path.insert(0, 'f')\n", None),
        (
            "import logging\nclass Own(logging.Logger): pass\nlogging.setLoggerClass(Own)\n",
            "it changes what loggers are made",
        ),
        ("import sys\ndel sys.path[0]\n", "it takes its packages from sys.path"),
        ("import os\nos.environ['OTHER'] = '1'\nimport some\n", None),
    ],
)
def test_an_app_that_prepares_the_import_itself_disagrees(load, package, write, monkeypatch, code, why):
    package("some.py", "import os\nos.environ.get('NAME')\n")
    write("vendored/some.py", "")
    monkeypatch.delitem(os.environ, "NAME", raising=False)
    loaded = load(code, load("import some\n").preloadable)
    assert loaded.disagreement == why


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("try:\n    import own\nexcept ImportError:\n    pass\n", "they import own, which is not one of them"),
        ("import os\nos.environ['X_SET'] = '1'\n", "they change os.environ or sys.path"),
        ("import sys\nsys.path.append('/elsewhere')\n", "they change os.environ or sys.path"),
        ("raise ValueError('only with the app')\n", "only with the app"),
    ],
)
def test_packages_that_need_the_app_are_not_preloaded(app_folder, package, code, why):
    package("some.py", code)
    failure = Worker().preload(the_app(app_folder), Preloadable(["some"], ["own"]))
    assert failure.message == why
    assert not any(type(finder).__name__ == "_Guard" for finder in sys.meta_path)


def test_an_apps_own_version_of_what_came_along_stays(load, package):
    package("werkzeug/__init__.py", "__version__ = 'mine'\n")
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "werkzeug"}
    try:
        loaded = load("import werkzeug\n", load("import werkzeug\n").preloadable)
        assert loaded.disagreement is None and isinstance(sys.modules["werkzeug"], types.ModuleType)
        assert sys.modules["werkzeug"].__version__ == "mine"
    finally:
        sys.modules.update(before)
