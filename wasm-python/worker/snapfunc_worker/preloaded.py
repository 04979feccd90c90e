"""An app's third-party packages, imported before the app itself and without its settings.

What their import leaves in memory can be kept on a disk where the app's own can't, and serves the app again after a change. It must be what
the app would have found. So what reads settings is left out (`preloadable`); the modules are put aside, and handed to the app as it asks
for them; and the app must ask for the same ones in the same order, and leave alone what their import may depend on (`disagreement`).
"""

import ast
import importlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

import snapfunc

from . import environment, loader
from .model import Preloadable

NOTHING = Preloadable([], [])

_OF_THE_GUEST = tuple(os.path.join(os.path.dirname(file), "") for file in (ast.__file__, os.path.dirname(__file__)))
"""The standard library's folder, by a module that is not frozen, and the worker's."""
_TMP = "/tmp"


class NotPreloaded(Exception):
    """With a sentence that says why the packages can't be imported before the app."""


class Asked(MetaPathFinder):
    """Notes which modules were asked for that were not there."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        """In the order in which they were asked for first."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        self.names.setdefault(name)


class _Guard(MetaPathFinder):
    """Keeps modules from being imported."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self.asked: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name in self._names:
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Handing(MetaPathFinder):
    """Hands out modules that were imported before: each with those that its own import brought along."""

    def __init__(self, groups: Mapping[str, Mapping[str, ModuleType]]) -> None:
        self._groups = groups
        self._parts = {part: name for name, group in groups.items() for part in group}
        self.handed: list[str] = []
        self.strayed: list[str] = []
        """What was asked for before that which brings it along."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self._groups:
            return ModuleSpec(name, self)  # type: ignore[arg-type]
        if name in self._parts:
            self.strayed.append(name)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.handed.append(spec.name)
        group = self._groups[spec.name]
        sys.modules.update((name, module) for name, module in group.items() if name != spec.name)
        module = group[spec.name]
        spec.loader_state = getattr(module, "__spec__", None)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It ran before. What the import system has just made of its spec is undone."""
        spec = module.__spec__
        module.__spec__ = spec.loader_state if spec is not None else None


class Preloaded:
    """Packages that were imported."""

    def __init__(self, root: str, paths: list[str], wanted: Preloadable) -> None:
        """Imports them. Raises `NotPreloaded`, and what their import raises."""
        loader.set_up_packages(paths)
        loader.set_up_root(root, paths)
        self._first = paths[0]
        path, before, files = list(sys.path), set(sys.modules), set(os.listdir(_TMP))
        guard, missing = _Guard(wanted.others), Asked()
        self._groups: dict[str, dict[str, ModuleType]] = {}
        with environment.Noting() as noted, first(guard):
            sys.meta_path.append(missing)
            for name in wanted.modules:
                if name not in sys.modules:
                    known = set(sys.modules)
                    importlib.import_module(name)
                    self._groups[name] = {new: module for new, module in sys.modules.items() if new not in known}
            sys.meta_path.remove(missing)
        new = {name: module for name, module in sys.modules.items() if name not in before}
        not_theirs = [*guard.asked, *(name for name, module in new.items() if _is_of_the_app(module, root, paths))]
        if not_theirs:
            raise NotPreloaded(f"they import {not_theirs[0]}, which is not one of them")
        if noted.written or sys.path != path or os.getcwd() != root:
            raise NotPreloaded("they change os.environ, sys.path or the folder")
        if snapfunc.before_snapshot_hooks or snapfunc.after_restore_hooks or set(os.listdir(_TMP)) != files:
            raise NotPreloaded("they have hooks or files of their own")
        self.settings_read = noted.names
        """The names that they looked for in `os.environ`."""
        self._missing = [name for name in missing.names if name not in sys.modules]
        self._finders = list(sys.meta_path)
        self._logger_class = logging.getLoggerClass()
        loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
        self._loggers = [logger for logger in loggers if not logger.disabled]
        self._handing = _Handing(self._groups)
        for name in new:
            del sys.modules[name]

    def handing_out(self) -> AbstractContextManager[None]:
        """Around the load of the app."""
        return first(self._handing)

    def is_all_of(self, wanted: Preloadable) -> bool:
        """Whether an app that was loaded has imported nothing else that can be preloaded."""
        return all(name in self._groups for name in wanted.modules)

    def disagreement(self, written: set[str]) -> str | None:
        """Why the app, which was loaded since and has `written` these variables, would not have found its packages as they are here."""
        if self._handing.handed != list(self._groups) or self._handing.strayed:
            return "it imports others, or in another order"
        if settings := sorted(written & self.settings_read):
            return f"it sets {settings[0]}, for which its packages look"
        for name, module in ((name, module) for group in self._groups.values() for name, module in group.items()):
            if sys.modules.get(name) is not module:
                return f"it exchanges the module {name}"
        if stubs := [name for name in self._missing if name in sys.modules]:
            return f"it makes the module {stubs[0]}, for which its packages look"
        if not all(any(finder is known for known in self._finders) for finder in sys.meta_path):
            return "it changes how modules are imported"
        if logging.getLoggerClass() is not self._logger_class or any(logger.disabled for logger in self._loggers):
            return "it changes what loggers are made, or disables those of its packages"
        if self._first not in sys.path:
            return "it takes its packages from sys.path"
        packages = {name.partition(".")[0] for name in self._groups}
        for entry in sys.path[: sys.path.index(self._first)]:
            for name in packages:
                if PathFinder.find_spec(name, [entry]) is not None:
                    return f"it puts a folder before its packages that has {name} too"
        return None


@contextmanager
def first(finder: MetaPathFinder) -> Iterator[None]:
    """This finder comes before all others."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path[:] = [other for other in sys.meta_path if other is not finder]


def preloadable(before: Mapping[str, object], paths: list[str], readers: set[str], asked: Iterable[str]) -> Preloadable:
    """What can be preloaded of what was imported since `sys.modules` was `before`, in the order in which it was `asked` for.

    Modules that read settings meanwhile are `readers`.
    """
    if any(sys.modules.get(name) is not module for name, module in before.items()):
        return NOTHING
    of_packages = tuple(os.path.join(path, "") for path in paths)
    can, others, worth = set(), [], False
    for name, module in sys.modules.items():
        spec = _spec(module)
        # What has no file ran no code of its own: a namespace, or something that another module has put there.
        if name in before or spec is None or not spec.has_location or not spec.origin:
            continue
        if spec.name == name and not _is_in(name, readers) and spec.origin.startswith((*of_packages, *_OF_THE_GUEST)):
            can.add(name)
            worth = worth or spec.origin.startswith(of_packages)
        else:
            others.append(name)
    return Preloadable([name for name in asked if name in can], others) if worth else NOTHING


def _spec(module: object) -> ModuleSpec | None:
    spec = vars(module).get("__spec__") if isinstance(module, ModuleType) else None
    return spec if isinstance(spec, ModuleSpec) else None


def _is_of_the_app(module: object, root: str, paths: list[str]) -> bool:
    spec = _spec(module)
    origin = (spec and spec.origin) or ""
    return origin.startswith(os.path.join(root, "")) and not origin.startswith(tuple(os.path.join(path, "") for path in paths))


def _is_in(name: str, packages: set[str]) -> bool:
    """Whether a module is one of these, or a part of one."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in packages for count in range(1, len(parts) + 1))
