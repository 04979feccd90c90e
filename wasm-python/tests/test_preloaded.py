"""Packages that are imported before the app: which, and when that would not be what the app finds."""

import logging
import os
import queue
import sys
import types

import pytest

import snapfunc
from helpers import app, source
from snapfunc_worker import preloaded
from snapfunc_worker.model import Preloadable
from snapfunc_worker.preloaded import NOTHING
from snapfunc_worker.worker import Worker

FUNCTION = "def main(req): pass\n"


@pytest.fixture(autouse=True)
def as_before(app_folder, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(os.environ, "_data", dict(os.environ._data))
    monkeypatch.setattr(logging, "_loggerClass", logging.getLoggerClass())
    monkeypatch.setattr(preloaded, "_TMP", str(tmp_path_factory.mktemp("tmp")))
    disabled = {name: getattr(logger, "disabled", None) for name, logger in logging.root.manager.loggerDict.items()}
    yield
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger):
            logger.disabled = disabled.get(name) or False


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
    assert of_packages == ["first", "first.part", "second"] and "xml.dom.pulldom" in found.modules
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
        ("import sys, types, some\nsys.modules['some'] = types.ModuleType('some')\n", "it exchanges the module some"),
        (
            "import sys, some\nclass Finder:\n    def find_spec(*_): pass\nsys.meta_path.append(Finder)\n",
            "it changes how modules are imported",
        ),
        ("import sys, some\nsys.path.insert(0, 'vendored')\n", "it puts a folder before its packages that has some too"),
        ("import sys\nsys.path.insert(0, 'f')\nimport some\n", None),
        (
            "import logging, some\nclass Own(logging.Logger): pass\nlogging.setLoggerClass(Own)\n",
            "it changes what loggers are made, or disables those of its packages",
        ),
        (
            "import logging.config\nlogging.config.dictConfig({'version': 1})\nimport some\n",
            "it changes what loggers are made, or disables those of its packages",
        ),
        (
            "import sys, types\nsys.modules['not_there'] = types.ModuleType('not_there')\nimport some\n",
            "it makes the module not_there, for which its packages look",
        ),
        ("", "it imports others, or in another order"),
        ("if False:\n    import some\n", "it imports others, or in another order"),
        ("import importlib.util\nimportlib.util.find_spec('some')\nimport some, some\n", None),
        ("import sys, some\ndel sys.path[0]\n", "it takes its packages from sys.path"),
        ("import os\nos.environ['OTHER'] = '1'\nimport some\n", None),
    ],
)
def test_an_app_that_prepares_the_import_itself_disagrees(load, package, write, monkeypatch, code, why):
    code_of_some = (
        "import logging, os\nos.environ.get('NAME')\nlogging.getLogger('some')\ntry:\n    import not_there\nexcept ImportError: pass\n"
    )
    package("some.py", code_of_some)
    write("vendored/some.py", "")
    monkeypatch.delitem(os.environ, "NAME", raising=False)
    loaded = load(code, load("import some\n").preloadable)
    assert loaded.disagreement == why


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("try:\n    import own\nexcept ImportError:\n    pass\n", "they import own, which is not one of them"),
        ("import os\nos.environ['X_SET'] = '1'\n", "they change os.environ, sys.path or the folder"),
        ("import sys\nsys.path.append('/elsewhere')\n", "they change os.environ, sys.path or the folder"),
        ("import os\nos.chdir('/')\n", "they change os.environ, sys.path or the folder"),
        ("raise ValueError('only with the app')\n", "only with the app"),
        ("import snapfunc\n@snapfunc.after_restore\ndef hook(): pass\n", "they have hooks or files of their own"),
        ("from snapfunc_worker import preloaded\nopen(preloaded._TMP + '/x', 'w').close()\n", "they have hooks or files of their own"),
        ("import other\n", "they import other, which is not one of them"),
    ],
)
def test_packages_that_need_the_app_are_not_preloaded(app_folder, package, write, monkeypatch, code, why):
    package("some.py", code)
    write("other.py", "")
    monkeypatch.setattr(snapfunc, "after_restore_hooks", [])
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


def test_what_an_import_does_comes_in_the_order_of_the_imports(load, package):
    """Also where modules import each other."""
    package("a.py", "import builtins\nbuiltins.order.append('a begins')\nimport b\nbuiltins.order.append('a ends')\n")
    package("b.py", "import builtins, a\nbuiltins.order.append('b')\n")
    builtins = sys.modules["builtins"]
    builtins.order = []
    wanted = load("import b\n", load("import a\n").preloadable)
    assert wanted.disagreement == "it imports others, or in another order"
    builtins.order = []
    loaded = load("import a\nimport b\n", load("import a\n").preloadable)
    assert loaded.disagreement is None
    assert builtins.order == ["a begins", "b", "a ends"] * 2
    assert sys.modules["a"].__spec__.origin.endswith("a.py") and sys.modules["a"].b is sys.modules["b"]


def test_modules_are_as_their_own_import_leaves_them(load, package):
    package("whole/__init__.py", "from . import part\nimport sys\nsys.modules[__name__ + '.alias'] = part\n")
    package("whole/part.py", "VALUE = 1\n")
    package("whole/later.py")
    package("lazy.py", "import sys, types\nclass Lazy(types.ModuleType):\n    own = 1\nsys.modules[__name__] = Lazy(__name__)\n")
    code = "import whole\nimport whole.alias as alias\nimport whole.later\nfrom whole.part import VALUE\nimport lazy\nassert lazy.own\n"
    wanted = load(code).preloadable
    before = {name: vars(sys.modules[name]).get("__spec__") for name in ("whole", "whole.part", "whole.later")}
    loaded = load(code, wanted)
    assert (loaded.disagreement, loaded.preloadable) == (None, NOTHING)
    for name, spec in before.items():
        module = sys.modules[name]
        assert (module.__spec__.origin, module.__name__, type(module.__loader__)) == (spec.origin, name, type(spec.loader))
        assert module.__spec__.submodule_search_locations == spec.submodule_search_locations
    assert sys.modules["whole.alias"] is sys.modules["whole"].part and sys.modules["whole"].later is sys.modules["whole.later"]
