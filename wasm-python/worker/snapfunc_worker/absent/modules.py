"""Imports that can't succeed here give the usual error and the reason; `_ssl` and `ctypes`, which many libraries import, have stand-ins.

The finder is the last of `sys.meta_path`: it costs nothing for what exists, and an app's own package of the same name wins.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterable, Sequence
from typing import Any

from . import tls, tls_errors, tls_numbers

_HERE = "this Python, compiled to WebAssembly, does not have"
_FOREIGN = "the package {package!r} has compiled parts for another platform ({file}), which can't be loaded here"
_IMPORTING = "_find_and_load_unlocked"
"""The function of the import system that imports. Others ask the finders too, and take None for an answer: `importlib.util.find_spec`."""

_NATIVE = {
    "_bz2": "bz2",
    "_crypt": "crypt",
    "_ctypes": "ctypes",
    "_curses": "curses",
    "_curses_panel": "curses.panel",
    "_dbm": "dbm.ndbm",
    "_gdbm": "dbm.gnu",
    "_interpreters": "concurrent.interpreters",
    "_lzma": "lzma",
    "_multiprocessing": "multiprocessing",
    "_posixshmem": "multiprocessing.shared_memory",
    "_posixsubprocess": "subprocess",
    "_tkinter": "tkinter",
    "_zstd": "compression.zstd",
    **{name: name for name in ("fcntl", "grp", "mmap", "nis", "pwd", "readline", "resource", "spwd", "syslog", "termios")},
}
"""The native modules of CPython's library that a build may lack, and what needs each."""

_OF_WINDOWS = frozenset(("FormatError", "GetLastError", "HRESULT", "OleDLL", "WINFUNCTYPE", "WinDLL", "WinError", "oledll", "windll"))
"""Names that `ctypes` lacks on every other system too: libraries ask for them with hasattr."""


class _Finder(importlib.abc.MetaPathFinder):
    """Asked when nobody else found a module."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def invalidate_caches(self) -> None:
        self._reasons.clear()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "_ssl":
            return importlib.util.spec_from_loader(fullname, _TlsLoader())
        if sys._getframe(2).f_code.co_name != _IMPORTING:
            return None
        reason = self._reasons.get(fullname)
        if reason is None:
            reason = self._reasons[fullname] = _reason(fullname, sys.path if path is None else path)
        if not reason:
            return None
        error = ModuleNotFoundError(f"No module named {fullname!r}: {reason}", name=fullname)
        error.explained = True  # type: ignore[attr-defined]
        raise error


def is_explained(error: BaseException) -> bool:
    """Whether an import failed for a reason that no requirements.txt can change; its message says which."""
    return getattr(error, "explained", False)


def _reason(fullname: str, folders: Sequence[str]) -> str:
    needed_by = _NATIVE.get(fullname)
    if needed_by is not None:
        return f"{needed_by} needs native code that {_HERE}"
    file = _foreign_library(fullname, folders)
    return _FOREIGN.format(package=fullname.partition(".")[0], file=file) if file else ""


def _foreign_library(fullname: str, folders: Iterable[str]) -> str:
    start = fullname.rpartition(".")[2] + "."
    for folder in folders:
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:
            continue
        for name in names:
            if name.startswith(start) and name.endswith((".so", ".pyd")):
                return name
    return ""


class _TlsLoader(importlib.abc.Loader):
    """Makes `_ssl` of the stand-in, which is in memory already: its source may be out of reach by now."""

    def exec_module(self, module: types.ModuleType) -> None:
        for part in (tls_numbers, tls_errors, tls):
            module.__dict__.update({name: value for name, value in vars(part).items() if not name.startswith("__")})


class _Unusable(types.ModuleType):
    """A module that may be imported, no more."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in _OF_WINDOWS:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        raise ImportError(f"{self.__name__}.{name} can't be used: ctypes calls native libraries, and {_HERE} any", name=self.__name__)


def _provide_ctypes() -> None:
    """Real entries of `sys.modules`, for the library's own `ctypes` would be found and fail."""
    ctypes = _unusable("ctypes", is_package=True)
    ctypes.util = _unusable("ctypes.util")  # type: ignore[attr-defined]
    ctypes.util.find_library = lambda name: None  # type: ignore[attr-defined]
    ctypes.wintypes = _unusable("ctypes.wintypes")  # type: ignore[attr-defined]


def _unusable(name: str, is_package: bool = False) -> _Unusable:
    module = _Unusable(name, "Stands in for a module that needs native libraries: every use raises ImportError.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=is_package)
    if is_package:
        module.__path__ = []
    sys.modules[name] = module
    return module


def _explain_foreign_libraries() -> None:
    """A `.so` without a platform in its name is found and fails to load: the loader says only that there is no such library."""
    loader: Any = importlib.machinery.ExtensionFileLoader
    load = loader.create_module
    if getattr(load, "explains", False):
        return

    def create_module(self: Any, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        try:
            return load(self, spec)
        except ImportError as error:
            reason = _FOREIGN.format(package=spec.name.partition(".")[0], file=os.path.basename(self.path))
            explained = ImportError(f"cannot import {spec.name!r}: {reason}", name=spec.name, path=self.path)
            explained.explained = True  # type: ignore[attr-defined]
            raise explained from error

    create_module.explains = True  # type: ignore[attr-defined]
    loader.create_module = create_module


def _ignore_stub_folders() -> None:
    """A folder of type stubs beside a foreign library, as pydantic_core has, would be imported as an empty namespace package."""
    path_finder: Any = importlib.machinery.PathFinder
    find = path_finder.find_spec
    if getattr(find, "ignores", False):
        return

    def find_spec(
        cls: Any, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = find(fullname, path, target)
        if spec is not None and spec.loader is None and _foreign_library(fullname, sys.path if path is None else path):
            return None
        return spec

    find_spec.ignores = True  # type: ignore[attr-defined]
    path_finder.find_spec = classmethod(find_spec)


def _check_order() -> None:
    """Some modules look for `ssl` once, when they are imported, and do without for ever: `http.client` would have no HTTPSConnection."""
    late = [name for name in ("asyncio", "http.client", "urllib.request") if name in sys.modules]
    if late and "ssl" not in sys.modules:
        raise RuntimeError(
            f"absent.install() comes too late, after the import of {', '.join(late)}: call it in snapfunc_worker/__init__.py"
        )


def install(force: bool = False) -> None:
    """Explains what can't be imported, and lets `ssl` and `ctypes` be imported."""
    if sys.platform == "wasi":
        _check_order()
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
    if force:
        sys.modules.pop("ssl", None)
        sys.modules["_ssl"] = types.ModuleType("_ssl")
        _TlsLoader().exec_module(sys.modules["_ssl"])
    if force or importlib.util.find_spec("_ctypes") is None:
        _provide_ctypes()
    if force or sys.platform == "wasi":
        _explain_foreign_libraries()
        _ignore_stub_folders()
