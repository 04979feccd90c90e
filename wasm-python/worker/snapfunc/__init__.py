"""Hooks for apps whose instances are copies of one memory image.

An app is imported once; each instance is a copy of the interpreter as it was then. These decorators name functions to call around that:

    @snapfunc.before_snapshot
    def close_files(): ...

    @snapfunc.after_restore
    def draw_an_id_of_its_own(): ...

Outside of snapfunc, in unit tests for example, they do nothing.
"""

from collections.abc import Callable
from typing import TypeVar

Hook = Callable[[], object]
_H = TypeVar("_H", bound=Hook)

before_snapshot_hooks: list[Hook] = []
after_restore_hooks: list[Hook] = []


def before_snapshot(hook: _H) -> _H:
    """Calls a function, without arguments, after the app is imported and before its memory is copied."""
    before_snapshot_hooks.append(hook)
    return hook


def after_restore(hook: _H) -> _H:
    """Calls a function, without arguments, once in each instance before its first invocation."""
    after_restore_hooks.append(hook)
    return hook
