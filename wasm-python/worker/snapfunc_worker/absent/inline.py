"""Calls made here and now, in place of another thread. Imports asyncio, so only after `modules.install()`."""

import asyncio
import concurrent.futures
import contextvars
from asyncio import events, tasks
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound="asyncio.Future[Any] | concurrent.futures.Future[Any]")


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


def settle(future: F, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> F:
    """Gives a future what `as_in_a_thread` returns or raises. `SystemExit` too: a pool raises it where the result is asked for.

    The exception's traceback leads to this frame and its caller's, so neither may hold the future: that is a cycle for the collector.
    """
    try:
        try:
            result = as_in_a_thread(func, *args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        return future
    finally:
        del future
