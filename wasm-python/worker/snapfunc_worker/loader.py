"""Imports the scripts of an app's functions, as Microsoft's worker does: `sys.path`, the `__app__` package, one module per script."""

import contextlib
import importlib
import importlib.machinery
import pathlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from . import absent, packages
from .model import FunctionSource, LoadError

APP_PACKAGE = "__app__"
"""The package that stands for the app's root: `from __app__.SharedCode import helper`."""

_MISSING_MODULE_ADVICE = (
    "Cannot find module. Please check the requirements.txt file for the missing module. For more info, please refer the "
    "troubleshooting guide: https://aka.ms/functions-modulenotfound. Current sys.path: {path}"
)


def set_up_packages(paths: list[str]) -> None:
    """Makes the app's packages importable, before everything else. Once."""
    _put_first(paths)
    packages.prefer(paths)
    packages.join_namespaces(paths)
    packages.hide_syntax_warnings(paths)


def set_up_root(root: str, package_paths: list[str]) -> None:
    """Makes the app's root importable, behind its packages."""
    _put_first([*package_paths, root])
    package = types.ModuleType(APP_PACKAGE)
    package.__path__ = [root]
    package.__spec__ = importlib.machinery.ModuleSpec(APP_PACKAGE, None, is_package=True)
    package.__spec__.submodule_search_locations = package.__path__
    sys.modules[APP_PACKAGE] = package


def _put_first(paths: list[str]) -> None:
    sys.path[:] = [*paths, *(entry for entry in sys.path if entry not in paths)]
    importlib.invalidate_caches()


def load_callable(source: FunctionSource, root: str) -> Callable[..., Any]:
    """Imports a function's script and returns its entry point.

    Raises `LoadError` where the script or the callable is not there, and whatever the script raises.
    """
    module_name = _module_name(source, root)
    with advice():
        module = importlib.import_module(module_name)
    entry = getattr(module, source.entry_point, None)
    if not callable(entry):
        raise LoadError(f"cannot load the {source.name} function: function {source.entry_point}() is not present in {source.script_file}")
    return entry


def _module_name(source: FunctionSource, root: str) -> str:
    """`__app__.<folder>.<script>`; a package's `__init__.py` is the package itself, so that its code runs once."""
    try:
        script = pathlib.PurePosixPath(source.script_file).relative_to(root)
    except ValueError:
        raise LoadError(f"cannot load the {source.name} function: {source.script_file} is not below {root}") from None
    if script.suffix != ".py":
        raise LoadError(f"cannot load the {source.name} function: invalid Python filename {source.script_file}")
    parts = script.with_suffix("").parts
    if parts[-1].lower() == "__init__":
        parts = parts[:-1]
    return ".".join((APP_PACKAGE, *parts))


@contextlib.contextmanager
def advice() -> Iterator[None]:
    """Around an import: adds to its failure what to do about it, in one line, as Microsoft's worker words it.

    Not where the sandbox itself lacks the module: no requirements.txt helps then, and the error says why.
    """
    try:
        yield
    except ImportError as error:
        _advise(error)
        raise


def _advise(error: ImportError) -> None:
    if absent.is_explained(error):
        return
    error.msg = f"{str(error.msg).rstrip('.')}. {_MISSING_MODULE_ADVICE.format(path=sys.path)}"
    error.args = (error.msg, *error.args[1:])
