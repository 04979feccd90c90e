"""Packages of apps that start threads of their own get a way that does without: they are changed right after they were imported. One that
can't work on this Python says so.

The finder is the first of `sys.meta_path`, so it does nothing for all names but those that it knows.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from . import inline


class _Patcher(importlib.abc.MetaPathFinder):
    """Finds what the path finder finds, and adds what is to be done after the import."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patch = _PATCHES.get(fullname)
        if patch is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                execute(module)
                patch(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _patch_anyio(module: types.ModuleType) -> None:
    """`anyio.to_thread`: what Starlette and FastAPI run functions with that are not async. The call is made in place."""

    async def run_sync(
        func: Callable[..., Any],
        *args: Any,
        abandon_on_cancel: bool = False,
        cancellable: bool | None = None,
        limiter: Any = None,
    ) -> Any:
        """Calls the function at once, in place of a thread, so it can't be abandoned either."""
        from anyio import lowlevel

        await lowlevel.checkpoint_if_cancelled()
        if limiter is None:
            return inline.as_in_a_thread(func, *args)
        async with limiter:
            return inline.as_in_a_thread(func, *args)

    module.run_sync = run_sync  # type: ignore[attr-defined]


def _refuse_old_pydantic(module: types.ModuleType) -> None:
    """Its versions before 1.10.25 look for the types of a model's fields where Python has none from 3.14 on (PEP 649): without this, the
    first model is `unable to infer type for attribute`."""
    version = tuple(int(part) for part in str(module.VERSION).split(".")[:3] if part.isdigit())
    if (1,) <= version < _FIRST_PYDANTIC and sys.version_info >= (3, 14):
        python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
        error = ImportError(f"pydantic {module.VERSION} can't be used on {python}: have `pydantic>=1.10.25,<2` installed", name="pydantic")
        error.explained = True  # type: ignore[attr-defined]
        raise error


_FIRST_PYDANTIC = (1, 10, 25)

_PATCHES: dict[str, Callable[[types.ModuleType], None]] = {"anyio.to_thread": _patch_anyio, "pydantic.version": _refuse_old_pydantic}


def install() -> None:
    """Watches for the packages that need a change."""
    if not any(isinstance(finder, _Patcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Patcher())
