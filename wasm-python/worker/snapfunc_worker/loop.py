"""asyncio without a self-pipe: one thread, no socketpair, nothing that could wake a sleeping loop from outside.

`install()` makes `Loop` what asyncio uses by default. `run()` runs `async def` functions, all in one loop that lasts as long as the
instance: a task that an invocation leaves behind stays pending and goes on at the next one.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import os
import selectors
import sys
import time
from asyncio import events, selector_events
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .absent import inline

T = TypeVar("T")

_CAN_START_EAGERLY = sys.version_info >= (3, 13)
_NO_PROCESSES = "no process can be started: the app runs in a WebAssembly sandbox, where there are no other programs"
_ASYNCIO_FOLDER = os.path.dirname(asyncio.__file__) + os.sep
_AT_MOST_SHOWN = 5

# From 3.14 on the public names warn that they will go; what is below them stays the way to change the default loop.
_BasePolicy: Any = getattr(events, "_BaseDefaultEventLoopPolicy", None) or events.BaseDefaultEventLoopPolicy
_set_policy: Callable[[Any], None] = getattr(events, "_set_event_loop_policy", None) or events.set_event_loop_policy


class _StuckError(RuntimeError):
    pass


class Selector(selectors.DefaultSelector):
    """Waits for sockets if there are any, else only for time to pass."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.get_map():
            return super().select(timeout)
        if timeout is None:
            raise _StuckError("the event loop waits for something that can never happen: no timer and no socket is left that could wake it")
        if timeout > 0:
            time.sleep(timeout)
        return []


class Loop(selector_events.BaseSelectorEventLoop):
    """asyncio's selector loop for a single thread that nobody else can wake."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(Selector() if selector is None else selector)

    def _make_self_pipe(self) -> None:
        """Nothing to make: a self-pipe wakes a loop from another thread or a signal handler, and here are neither."""

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        """There is one thread, so every call is safe."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Calls the function now, in place of a thread: the future is done when this returns."""
        self._check_closed()
        if self._debug:
            self._check_callback(func, "run_in_executor")
        if executor is None:
            self._check_default_executor()
        elif not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            return asyncio.wrap_future(executor.submit(func, *args), loop=self)
        return inline.settle(self.create_future(), func, *args)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """asyncio's own would start a thread to wait in."""
        self._executor_shutdown_called = True
        if self._default_executor is not None:
            self._default_executor.shutdown(wait=False)

    async def _make_subprocess_transport(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError(_NO_PROCESSES)

    def run_forever(self) -> None:
        """Adds to asyncio's own where the tasks wait, if they wait for ever."""
        try:
            super().run_forever()
        except _StuckError as stuck:
            raise RuntimeError(f"{stuck}{self._waiting()}") from None

    def run_function(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """`run_until_complete` for the path that every async invocation takes.

        A coroutine that never suspends, as most do, is over without one turn of the loop: half the time. Whatever happens, nothing of it
        stays in the loop but the tasks that it started.
        """
        self._check_closed()
        self._check_running()
        if not _CAN_START_EAGERLY or self._debug or self._task_factory is not None or not asyncio.iscoroutine(coroutine):
            return self._finish(self.create_task(coroutine))
        task = asyncio.Task.__new__(asyncio.Task)  # held before it starts, for a SystemExit in the coroutine leaves its __init__
        self._run_forever_setup()
        try:
            task.__init__(coroutine, loop=self, eager_start=True)  # type: ignore[misc]
            if task.done() and (self._ready or self._scheduled):
                self._stopping = True  # tasks that are ready go on, once; none is waited for
                self._run_once()
        except (SystemExit, KeyboardInterrupt):
            task.exception()  # seen, so not worth a warning
            raise
        finally:
            stopped = self._stopping
            self._run_forever_cleanup()
        if not task.done():
            self._stopping = stopped  # by the coroutine itself
            return self._finish(task)
        try:
            return task.result()
        finally:
            del task  # its exception's traceback leads to this frame: a cycle that only the collector would end

    def _finish(self, task: "asyncio.Task[T]") -> T:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        try:
            return self.run_until_complete(task)
        except BaseException:
            self._abandon(task)
            raise
        finally:
            del task

    def _abandon(self, task: "asyncio.Task[Any]") -> None:
        """Ends a task whose loop stopped under it, or the locks that it holds would stay taken for all invocations to come."""
        if not task.done():
            task.cancel()
            with contextlib.suppress(BaseException):  # the first error is the one to report
                self.run_until_complete(task)
        elif not task.cancelled():
            task.exception()

    def _waiting(self) -> str:
        places = sorted({_place(task) for task in asyncio.all_tasks(self)})
        more = len(places) - _AT_MOST_SHOWN
        return "".join(f"\n  {place}" for place in places[:_AT_MOST_SHOWN]) + (f"\n  and {more} more" if more > 0 else "")


def _place(task: "asyncio.Task[Any]") -> str:
    """Where a suspended task waits: the innermost line that is not asyncio's own."""
    place = f"task {task.get_name()}"
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = _first(awaited, "cr_frame", "gi_frame", "ag_frame")
        if frame is not None and not frame.f_code.co_filename.startswith(_ASYNCIO_FOLDER):
            place = f"{frame.f_code.co_name}() waits at {frame.f_code.co_filename}, line {frame.f_lineno}"
        awaited = _first(awaited, "cr_await", "gi_yieldfrom", "ag_await")
    return place


def _first(of: Any, *names: str) -> Any:
    return next((value for name in names if (value := getattr(of, name, None)) is not None), None)


class _Policy(_BasePolicy):  # type: ignore[misc]
    """Makes `Loop`s, and gives code outside of any loop the one that async functions run in, as a module's top level sees it on Azure."""

    _loop_factory = Loop

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._local._loop
        return lasting_loop() if loop is None or loop.is_closed() else loop


_lasting: Loop | None = None


def lasting_loop() -> Loop:
    """The loop of this instance's async functions; a new one if somebody closed it."""
    global _lasting
    if _lasting is None or _lasting.is_closed():
        _lasting = Loop()
    return _lasting


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs an async function's call to its end, in a copy of the current context, and returns its result or raises its exception."""
    return lasting_loop().run_function(coroutine)


def install() -> None:
    """Makes `Loop` the default of `asyncio.run`, `asyncio.Runner`, `new_event_loop` and `get_event_loop`."""
    _set_policy(_Policy())
    lasting_loop()
    if sys.platform == "wasi":  # where asyncio's own loop can't even be made
        asyncio.SelectorEventLoop = asyncio.EventLoop = Loop  # type: ignore[misc,assignment,attr-defined]
        asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = Loop  # type: ignore[attr-defined]
