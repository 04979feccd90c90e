"""Threads and processes: a sandbox has one of each. What can run in place runs in place, the rest says what to use instead.

A thread runs when it is started, and has ended when `start` returns. One that is to run beside the others for ever (a daemon) or later
(a timer) would never end or end too early, and is refused.
"""

import concurrent.futures
import contextvars
import errno
import logging
import multiprocessing
import multiprocessing.context
import multiprocessing.process
import os
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import thread
from typing import Any, NoReturn

from . import inline

NO_THREADS = (
    "can't start new thread: this Python, compiled to WebAssembly, has one. Daemon threads and timers would have to run beside it; "
    "other threads, ThreadPoolExecutor and asyncio.to_thread run at once, in place. Wait for several things at once with `async def` "
    "and asyncio: the host runs several instances of the app in parallel"
)
NO_WAKING = "this would wait for ever: another thread would have to wake it, and threads have ended when `start` returns"
NO_PROCESSES = (
    "no process can be started: the app runs in a WebAssembly sandbox, where there are no other programs. "
    "The host runs several instances of the app in parallel"
)

_REFUSED = ("system", *(f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")))
_LEFT_OUT = frozenset(
    ("fork", "forkpty", "posix_spawn", "posix_spawnp", *(f"spawn{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")))
)
"""Functions of `os` that stay missing rather than refuse: libraries ask `hasattr(os, "fork")`."""
_OF_MULTIPROCESSING = ("Manager", "Pipe", "Pool", "Queue", "JoinableQueue", "SimpleQueue")
_initialised: "weakref.WeakSet[thread.ThreadPoolExecutor]" = weakref.WeakSet()


class ProcessPoolExecutor(concurrent.futures.Executor):
    """Stands in for a pool that would find out late, and say less."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        raise _no_processes()


def _no_processes() -> OSError:
    return OSError(errno.ENOTSUP, NO_PROCESSES)


def _refuse_process(*_args: Any, **_options: Any) -> NoReturn:
    raise _no_processes()


def start(self: threading.Thread) -> None:
    """`Thread.start` that runs the thread before it returns."""
    if not self._initialized:  # type: ignore[attr-defined]
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():  # type: ignore[attr-defined]
        raise RuntimeError("threads can only be started once")
    if self.daemon or isinstance(self, threading.Timer):
        raise RuntimeError(NO_THREADS)
    active: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
    ident = threading.get_ident()
    starter = threading.current_thread()
    self._ident = ident  # type: ignore[attr-defined]
    active[ident] = self
    self._started.set()  # type: ignore[attr-defined]
    try:
        inline.as_in_a_thread(_run, self)
    finally:
        active[ident] = starter
        _end(self, ident)


def _run(self: threading.Thread) -> None:
    """In a context of its own; what it raises is told by `threading.excepthook`."""
    context = getattr(self, "_context", None) or contextvars.Context()  # can be given from 3.14 on
    try:
        context.run(self.run)
    except BaseException:
        self._invoke_excepthook(self)  # type: ignore[attr-defined]


def _end(self: threading.Thread, ident: int) -> None:
    """From now on it is not alive, and joining it is done at once."""
    if hasattr(threading, "_make_thread_handle"):  # from 3.13 on
        self._os_thread_handle = threading._make_thread_handle(ident)  # type: ignore[attr-defined]
        self._os_thread_handle._set_done()  # type: ignore[attr-defined]
    else:
        self._is_stopped = True  # type: ignore[attr-defined]


def wait(self: threading.Condition, timeout: float | None = None) -> bool:
    """`Condition.wait`, on which events, queues, semaphores and barriers rest, where nobody else runs who could notify."""
    if not self._is_owned():  # type: ignore[attr-defined]
        raise RuntimeError("cannot wait on un-acquired lock")
    if timeout is None:
        raise RuntimeError(NO_WAKING)
    saved = self._release_save()  # type: ignore[attr-defined]
    try:
        time.sleep(max(timeout, 0))
    finally:
        self._acquire_restore(saved)  # type: ignore[attr-defined]
    return False


def submit(self: thread.ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
    """`ThreadPoolExecutor.submit` that does the work before it returns."""
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    _initialise(self)
    if self._broken:
        raise thread.BrokenThreadPool(self._broken)
    return inline.settle(_running(), fn, *args, **kwargs)


def _running() -> "concurrent.futures.Future[Any]":
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    return future


def _initialise(pool: thread.ThreadPoolExecutor) -> None:
    """Calls the pool's initializer, once: there is one worker."""
    if pool in _initialised:
        return
    _initialised.add(pool)
    try:
        if hasattr(pool, "_create_worker_context"):  # from 3.14 on
            pool._create_worker_context().initialize()
        elif pool._initializer is not None:
            pool._initializer(*pool._initargs)
    except BaseException:  # as a worker thread's would: logged, and the pool is of no more use
        logging.getLogger("concurrent.futures").critical("Exception in initializer:", exc_info=True)
        pool._initializer_failed()


def _explain_missing(name: str) -> NoReturn:
    """The `__getattr__` of `os`."""
    reason = f": {NO_PROCESSES}" if name in _LEFT_OUT else ""
    raise AttributeError(f"module 'os' has no attribute {name!r}{reason}", name=name, obj=os)


def install() -> None:
    """Replaces what starts threads and processes."""
    threading.Thread.start = start  # type: ignore[method-assign]
    threading.Condition.wait = wait  # type: ignore[method-assign]
    thread.ThreadPoolExecutor.submit = submit  # type: ignore[method-assign,assignment]
    concurrent.futures.ProcessPoolExecutor = ProcessPoolExecutor  # type: ignore[misc,assignment]
    subprocess.Popen.__init__ = _refuse_process  # type: ignore[method-assign,assignment]
    multiprocessing.process.BaseProcess.start = _refuse_process  # type: ignore[method-assign]
    for name in _OF_MULTIPROCESSING:
        setattr(multiprocessing.context.BaseContext, name, _refuse_process)
        setattr(multiprocessing, name, _refuse_process)
    for name in _REFUSED:
        setattr(os, name, _refuse_process)
    for name in _LEFT_OUT:
        vars(os).pop(name, None)
    os.__getattr__ = _explain_missing  # type: ignore[attr-defined]
