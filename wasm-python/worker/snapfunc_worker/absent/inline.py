"""Calls made here and now, in place of another thread. Imports asyncio, so only after `modules.install()`."""

import asyncio
import contextvars
from asyncio import events, tasks
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def as_in_a_thread(func: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Calls a function as if in another thread: no loop runs there, so it may run one; context variables that it sets stay its own."""
    context = contextvars.copy_context()
    loop = events._get_running_loop()
    if loop is None:
        return context.run(func, *args, **kwargs)
    task = asyncio.current_task(loop)
    if task is not None:
        tasks._leave_task(loop, task)  # type: ignore[attr-defined]
    events._set_running_loop(None)
    try:
        return context.run(func, *args, **kwargs)
    finally:
        events._set_running_loop(loop)
        if task is not None:
            tasks._enter_task(loop, task)  # type: ignore[attr-defined]


def outcome(func: Callable[..., T], /, *args: Any, **kwargs: Any) -> tuple[T | None, BaseException | None]:
    """What `as_in_a_thread` returned or raised, for a future to hold. `SystemExit` too: a pool raises it where the result is asked for.

    A frame of its own, so that the exception's traceback does not lead to the future that holds the exception.
    """
    try:
        return as_in_a_thread(func, *args, **kwargs), None
    except BaseException as error:
        return None, error
