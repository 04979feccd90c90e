"""The loop that needs no self-pipe: everything asyncio promises that one thread can keep."""

import asyncio
import concurrent.futures
import contextvars
import gc
import logging
import signal
import socket
import sys
import threading
import time
import warnings

import pytest

from snapfunc_worker import loop as worker_loop

marker: contextvars.ContextVar[str] = contextvars.ContextVar("marker", default="none")


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Each test has the loop as asyncio's default, and a lasting loop of its own."""
    monkeypatch.setattr(worker_loop, "_lasting", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worker_loop.install()
    mine = worker_loop.lasting_loop()
    yield
    mine.close()
    worker_loop.lasting_loop().close()
    worker_loop._set_policy(None)


async def value(result, after=0.0):
    await asyncio.sleep(after)
    return result


# === run ===


def test_run_returns_and_raises_what_the_function_does():
    async def plain():
        return 1

    async def broken():
        raise KeyError("k")

    assert worker_loop.run(plain()) == 1
    assert worker_loop.run(value(2)) == 2
    assert worker_loop.run(value(3, 0.01)) == 3
    with pytest.raises(KeyError):
        worker_loop.run(broken())
    assert worker_loop.run(plain()) == 1


def test_every_run_has_the_same_loop():
    async def which():
        return asyncio.get_running_loop()

    assert worker_loop.run(which()) is worker_loop.run(which()) is worker_loop.lasting_loop()


def test_a_task_left_behind_goes_on_at_the_next_run():
    done = []

    async def background():
        await asyncio.sleep(0.01)
        done.append("slept")
        await asyncio.sleep(0)
        done.append("over")

    async def leave():
        left.append(asyncio.create_task(background()))

    left = []
    worker_loop.run(leave())
    assert not left[0].done()
    time.sleep(0.02)
    for _ in range(4):
        worker_loop.run(value(None))
    assert left[0].done() and done == ["slept", "over"]


def test_a_task_left_behind_goes_on_under_functions_that_never_wait():
    steps = []

    async def background():
        for step in range(3):
            steps.append(step)
            await asyncio.sleep(0)

    async def leave():
        return asyncio.create_task(background())

    async def nothing():
        return None

    task = worker_loop.run(leave())
    assert steps == [0], "as in asyncio, what is ready runs once more before the loop stops"
    for _ in range(4):
        worker_loop.run(nothing())
    assert task.done() and steps == [0, 1, 2]


def test_a_run_never_waits_for_what_was_left_behind():
    async def leave():
        return asyncio.create_task(value(None, 30))

    async def nothing():
        return None

    task = worker_loop.run(leave())
    start = time.monotonic()
    worker_loop.run(nothing())
    assert time.monotonic() - start < 5
    task.cancel()
    worker_loop.run(value(None))
    assert task.cancelled()


def test_each_run_has_a_context_of_its_own():
    async def change(suspend):
        before = marker.get()
        marker.set("changed")
        if suspend:
            await asyncio.sleep(0)
        return before, marker.get()

    for suspend in (False, True, False):
        assert worker_loop.run(change(suspend)) == ("none", "changed")
    assert marker.get() == "none"
    token = marker.set("outer")
    assert worker_loop.run(change(False)) == ("outer", "changed")
    marker.reset(token)


def test_run_within_a_run_is_the_usual_error():
    async def nested():
        inner = value(1)
        try:
            worker_loop.run(inner)
        finally:
            inner.close()

    with pytest.raises(RuntimeError, match="already running"):
        worker_loop.run(nested())
    assert worker_loop.run(value(1)) == 1


def test_run_refuses_what_is_no_coroutine():
    with pytest.raises(TypeError):
        worker_loop.run(lambda: None)
    assert worker_loop.run(value(1)) == 1


@pytest.mark.parametrize("suspend", [False, True])
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_exits_leave_the_loop_usable_and_no_warning(kind, suspend, caplog):
    async def leaves():
        if suspend:
            await asyncio.sleep(0)
        raise kind("bye")

    with pytest.raises(kind):
        worker_loop.run(leaves())
    gc.collect()
    assert worker_loop.run(value("fine")) == "fine"
    assert not caplog.records
    assert not worker_loop.lasting_loop().is_running()


def test_current_task_cancellation_and_names():
    async def main():
        task = asyncio.current_task()
        assert task in asyncio.all_tasks()
        task.set_name("mine")
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        worker_loop.run(main())
    assert worker_loop.run(value(1)) == 1


def test_a_closed_loop_is_replaced():
    asyncio.get_event_loop().close()
    assert worker_loop.run(value(1)) == 1


def test_a_stopped_loop_ends_the_function():
    ended = []

    async def stops():
        try:
            asyncio.get_running_loop().stop()
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(RuntimeError, match="stopped before"):
        worker_loop.run(stops())
    assert ended and worker_loop.run(value(1)) == 1


def test_debug_mode_and_task_factories():
    made = []

    def factory(loop, coroutine, **options):
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop = worker_loop.lasting_loop()
    loop.set_debug(True)
    assert worker_loop.run(value(1)) == 1
    loop.set_debug(False)
    loop.set_task_factory(factory)
    assert worker_loop.run(value(2)) == 2 and made


# === waiting ===


def test_waiting_for_ever_is_an_error_that_names_the_place():
    async def inner():
        await asyncio.get_running_loop().create_future()

    async def main():
        await inner()

    with pytest.raises(RuntimeError, match=r"can never happen.*\n.*inner\(\) waits at .*test_loop\.py, line \d+"):
        worker_loop.run(main())
    with pytest.raises(RuntimeError, match="can never happen"):
        asyncio.run(main())


def test_waiting_for_ever_lets_go_of_locks():
    lock = asyncio.Lock()

    async def main():
        async with lock:
            await asyncio.Event().wait()

    for _ in range(2):
        with pytest.raises(RuntimeError, match="can never happen"):
            worker_loop.run(main())
    assert not lock.locked()


def test_many_places_are_cut_short():
    async def main():
        async def wait(n):
            exec(compile(f"async def w{n}(f): await f", f"file{n}", "exec"), names := {})
            await names[f"w{n}"](asyncio.get_running_loop().create_future())

        await asyncio.gather(*(wait(n) for n in range(8)))

    with pytest.raises(RuntimeError, match=r"and \d more$"):
        worker_loop.run(main())


def test_timers_timeouts_and_order():
    async def main():
        order = []
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, order.append, "late")
        loop.call_later(0.01, order.append, "early")
        loop.call_soon(order.append, "soon")
        loop.call_soon_threadsafe(order.append, "threadsafe")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 0.05)
        return order

    start = time.monotonic()
    assert worker_loop.run(main()) == ["soon", "threadsafe", "early", "late"]
    assert 0.04 < time.monotonic() - start < 5


# === what asyncio offers ===


def test_gather_tasks_futures_queues_locks_and_generators():
    async def main():
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        event, lock, future = asyncio.Event(), asyncio.Lock(), asyncio.get_running_loop().create_future()
        closed = []

        async def produce():
            for n in range(3):
                await queue.put(n)
            await event.wait()
            async with lock:
                future.set_result("set")

        async def numbers():
            try:
                for _ in range(3):
                    yield await queue.get()
                    await asyncio.sleep(0)
            finally:
                closed.append(True)

        producer = asyncio.create_task(produce())
        got = [n async for n in numbers()]
        event.set()
        done, pending = await asyncio.wait([producer, asyncio.ensure_future(future)])
        both = await asyncio.gather(value(1, 0.01), value(2), return_exceptions=True)
        first = await next(iter(asyncio.as_completed([value("slow", 0.5), value("quick")])))
        return got, closed, len(done), len(pending), both, first

    assert worker_loop.run(main()) == ([0, 1, 2], [True], 2, 0, [1, 2], "quick")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups came with 3.11")
def test_task_groups_and_timeout_blocks():
    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(value(n)) for n in range(3)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        return [task.result() for task in tasks]

    assert worker_loop.run(main()) == [0, 1, 2]


def test_an_abandoned_generator_is_closed_by_the_loop():
    closed = []

    async def numbers():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def main():
        async for _ in numbers():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    worker_loop.run(main())
    assert closed == [True]


# === executors ===


def test_executors_run_in_place_and_see_the_context():
    async def main():
        marker.set("here")
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, threading.get_ident)
        assert future.done() and await future == threading.get_ident()
        assert await asyncio.to_thread(marker.get) == "here"
        assert await asyncio.to_thread(marker.set, "there") and marker.get() == "here"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            assert await loop.run_in_executor(pool, marker.get) == "here"
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError, match="shutdown"):
            loop.run_in_executor(None, int)
        return True

    assert asyncio.run(main())


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_executor_call_raises_where_it_is_awaited(kind):
    def broken():
        raise kind("broken")

    async def main():
        try:
            await asyncio.get_running_loop().run_in_executor(None, broken)
        except kind:
            return "caught"

    assert worker_loop.run(main()) == "caught"


def test_an_executor_call_may_raise_stop_iteration():
    async def main():
        await asyncio.to_thread(next, iter(()))

    with pytest.raises((RuntimeError, TypeError), match="StopIteration"):  # TypeError before 3.12
        worker_loop.run(main())


def test_an_executor_call_may_run_a_loop_of_its_own():
    def blocking():
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return asyncio.run(value("inner", 0.001))

    async def main():
        before = asyncio.current_task()
        assert await asyncio.to_thread(blocking) == "inner"
        await asyncio.sleep(0)
        assert asyncio.current_task() is before
        return await asyncio.gather(asyncio.to_thread(blocking), value(1))

    assert worker_loop.run(main()) == ["inner", 1]


def test_other_executors_decide_themselves():
    class Mine(concurrent.futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = concurrent.futures.Future()
            future.set_result("mine")
            return future

    async def main():
        return await asyncio.get_running_loop().run_in_executor(Mine(), int)

    assert worker_loop.run(main()) == "mine"


def test_an_executor_call_leaves_no_cycle():
    class Held:
        pass

    def broken(held):
        raise ValueError

    async def main():
        try:
            await asyncio.get_running_loop().run_in_executor(None, broken, Held())
        except ValueError:
            return "caught"

    gc.collect()
    gc.disable()
    try:
        assert worker_loop.run(main()) == "caught"
        assert not [found for found in gc.get_objects() if isinstance(found, Held)]
    finally:
        gc.enable()


# === loops of the user's own ===


@pytest.mark.filterwarnings("error")
def test_asyncio_run_and_new_loops_in_sync_code():
    assert asyncio.run(value(1, 0.001)) == 1
    own = asyncio.new_event_loop()
    assert isinstance(own, worker_loop.Loop)
    assert own.run_until_complete(value(2)) == 2
    own.run_until_complete(own.shutdown_asyncgens())
    own.close()
    assert asyncio.get_event_loop().run_until_complete(value(3)) == 3, "asyncio.run left none set"
    asyncio.set_event_loop(own)
    assert asyncio.get_event_loop() is not own, "a closed loop is of no use"
    assert worker_loop.run(value(4)) == 4


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.Runner came with 3.11")
def test_asyncio_runner():
    with asyncio.Runner(debug=True) as runner:
        assert runner.run(value(1)) == 1
        assert runner.run(asyncio.to_thread(int, "2")) == 2
        assert isinstance(runner.get_loop(), worker_loop.Loop)


def test_asyncio_run_within_a_function_is_the_usual_error():
    async def main():
        inner = value(1)
        try:
            asyncio.run(inner)
        finally:
            inner.close()

    with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
        worker_loop.run(main())


def test_outside_of_loops_the_lasting_one_is_the_default():
    lasting = worker_loop.lasting_loop()
    assert asyncio.get_event_loop() is lasting
    future = lasting.create_future()
    lasting.call_later(0.01, future.set_result, "later")

    async def main():
        return await future

    assert worker_loop.run(main()) == "later"


# === what can't be ===


def test_processes_and_signals_are_not_implemented():
    async def processes():
        await asyncio.create_subprocess_exec("ls")

    async def shell():
        await asyncio.create_subprocess_shell("ls")

    async def signals():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)

    for attempt in (processes, shell):
        with pytest.raises(NotImplementedError, match="no process can be started"):
            worker_loop.run(attempt())
    with pytest.raises(NotImplementedError):
        worker_loop.run(signals())


@pytest.mark.skipif(sys.platform == "wasi", reason="the sandbox has no sockets to listen on")
def test_sockets_work_where_there_are_any():
    async def main():
        async def answer(reader, writer):
            writer.write(b"you said " + await reader.readline())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "localhost", 0, family=socket.AF_INET)
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        writer.write(b"hello\n")
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.close()
        return said

    assert worker_loop.run(main()) == b"you said hello\n"


def test_an_unhandled_task_error_is_logged_as_always(caplog):
    async def main():
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        del task
        gc.collect()

    async def fails():
        raise ValueError("nobody asked")

    with caplog.at_level(logging.ERROR):
        worker_loop.run(main())
    assert "Task exception was never retrieved" in caplog.text
