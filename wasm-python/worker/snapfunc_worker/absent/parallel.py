"""Threads and processes: a sandbox has one of each. What can run in place runs in place, the rest says what to use instead."""

import concurrent.futures
import errno
import logging
import multiprocessing
import multiprocessing.context
import multiprocessing.process
import os
import subprocess
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import thread
from typing import Any, NoReturn

from . import inline

NO_THREADS = (
    "can't start new thread: this Python, compiled to WebAssembly, has one. Wait for several things at once with `async def` and asyncio; "
    "the host runs several instances of the app in parallel. Work given to a ThreadPoolExecutor or asyncio.to_thread runs at once, in place"
)
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


def _refuse_thread(self: threading.Thread) -> NoReturn:
    raise RuntimeError(NO_THREADS)


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
    threading.Thread.start = _refuse_thread  # type: ignore[method-assign]
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
