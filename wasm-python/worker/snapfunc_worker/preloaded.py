"""An app's third-party packages, imported before the app itself and without its settings.

What their import leaves in memory can be kept on a disk where the app's own can't, and serves the app again after a change. It must be what
the app would have found: `preloadable` leaves out what depends on more than the packages' files, and `Preloaded.disagreement` says
afterwards whether the app prepares its packages' import in a way of its own.
"""

import ast
import importlib
import importlib.machinery
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType

from . import environment, loader
from .model import Preloadable

NOTHING = Preloadable([], [])

_OF_THE_GUEST = tuple(os.path.join(os.path.dirname(file), "") for file in (ast.__file__, os.path.dirname(__file__)))
"""The standard library's folder, by a module that is not frozen, and the worker's."""


class NotPreloaded(Exception):
    """With a sentence that says why the packages can't be imported before the app."""


class Preloaded:
    """Packages that were imported."""

    def __init__(self, paths: list[str], wanted: Preloadable) -> None:
        """Imports them. Raises `NotPreloaded`, and what their import raises."""
        loader.set_up_packages(paths)
        self._first, self._names = paths[0], wanted.modules
        path, before, guard = list(sys.path), set(sys.modules), _Guard(wanted.others)
        sys.meta_path.insert(0, guard)
        try:
            with environment.Noting() as noted:
                for name in wanted.modules:
                    importlib.import_module(name)
        finally:
            sys.meta_path.remove(guard)
        if guard.asked:
            raise NotPreloaded(f"they import {guard.asked[0]}, which is not one of them")
        if noted.written or sys.path != path:
            raise NotPreloaded("they change os.environ or sys.path")
        self.settings_read = noted.names
        """The names that they looked for in `os.environ`."""
        self._modules = {name: module for name, module in sys.modules.items() if name not in before}
        self._finders = list(sys.meta_path)
        self._logger_class = logging.getLoggerClass()

    def and_also(self, more: Preloadable) -> Preloadable:
        """These and more, if there is more."""
        return Preloadable([*self._names, *more.modules], more.others) if more.modules else more

    def disagreement(self, written: set[str]) -> str | None:
        """Why the app, which was loaded since and has `written` these variables, would not have found its packages as they are here."""
        if settings := sorted(written & self.settings_read):
            return f"it sets {settings[0]}, for which its packages look"
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module:
                return f"it exchanges the module {name}"
        if not all(any(finder is known for known in self._finders) for finder in sys.meta_path):
            return "it changes how modules are imported"
        if logging.getLoggerClass() is not self._logger_class:
            return "it changes what loggers are made"
        if self._first not in sys.path:
            return "it takes its packages from sys.path"
        packages = {name.partition(".")[0] for name in self._modules}
        for entry in sys.path[: sys.path.index(self._first)]:
            for name in packages:
                if importlib.machinery.PathFinder.find_spec(name, [entry]) is not None:
                    return f"it puts a folder before its packages that has {name} too"
        return None


class _Guard:
    """A finder that comes before all others: it keeps modules from being imported."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self.asked: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name in self._names:
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def preloadable(before: Mapping[str, object], paths: list[str], readers: set[str]) -> Preloadable:
    """What can be preloaded of what was imported since `sys.modules` was `before`. Modules that read settings meanwhile are `readers`."""
    if any(sys.modules.get(name) is not module for name, module in before.items()):
        return NOTHING
    of_packages = tuple(os.path.join(path, "") for path in paths)
    modules, others, worth = [], [], False
    for name, module in sys.modules.items():
        spec = vars(module).get("__spec__") if isinstance(module, ModuleType) else None
        # What has no file ran no code of its own: a namespace, or something that another module has put there.
        if name in before or not isinstance(spec, importlib.machinery.ModuleSpec) or not spec.has_location or not spec.origin:
            continue
        if spec.name == name and not _is_in(name, readers) and spec.origin.startswith((*of_packages, *_OF_THE_GUEST)):
            modules.append(name)
            worth = worth or spec.origin.startswith(of_packages)
        else:
            others.append(name)
    return Preloadable(modules, others) if worth else NOTHING


def _is_in(name: str, packages: set[str]) -> bool:
    """Whether a module is one of these, or a part of one."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in packages for count in range(1, len(parts) + 1))
