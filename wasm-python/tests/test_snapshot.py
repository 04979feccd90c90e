"""What happens before the interpreter's memory is copied, and in each copy."""

import gc
import random
import socket

import pytest

import snapfunc
from helpers import request
from snapfunc_worker.model import Beginning, Failure, Invocation, Outcome
from snapfunc_worker.worker import Worker


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.setattr(snapfunc, "before_snapshot_hooks", [])
    monkeypatch.setattr(snapfunc, "after_restore_hooks", [])
    # The test runner has open files of its own.
    monkeypatch.setattr("gc.get_objects", lambda: objects)
    objects.clear()
    yield
    gc.unfreeze()


objects: list[object] = []


REQUEST = request(url="http://localhost/", headers={"user-agent": "x"}, query={"a": "1"})


def invoke(worker, entropy=None, configuration=None):
    beginning = Beginning(entropy, configuration) if entropy else None
    return worker.invoke(Invocation(id="1", function_name="", beginning=beginning, inputs={"request": REQUEST}))


def test_entropy_seeds_randomness():
    worker = Worker()
    invoke(worker, b"0123456789abcdef")
    first = random.random()
    invoke(worker, b"0123456789abcdef")
    assert random.random() == first
    invoke(worker)
    assert random.random() != first
    invoke(worker, b"fedcba9876543210")
    assert random.random() != first


def test_hooks_run_in_order_and_stay_functions():
    calls = []

    @snapfunc.before_snapshot
    def before():
        calls.append("before")

    @snapfunc.after_restore
    def after():
        calls.append("after")

    worker = Worker()
    assert worker.prepare_snapshot() == []
    assert isinstance(invoke(worker, b"0123456789abcdef"), Outcome)
    assert isinstance(invoke(worker), Outcome)
    before()
    assert calls == ["before", "after", "before"]


def test_a_hook_that_raises_is_told():
    @snapfunc.before_snapshot
    def before():
        raise ValueError("not now")

    @snapfunc.after_restore
    def after():
        raise SystemExit(1)

    worker = Worker()
    (obstacle,) = worker.prepare_snapshot()
    assert "before" in obstacle and "ValueError: not now" in obstacle
    failure = invoke(worker, b"0123456789abcdef")
    assert isinstance(failure, Failure) and failure.kind == "SystemExit"


def test_what_is_open_stands_in_the_way(tmp_path):
    name = tmp_path / "log.txt"
    with open(name, "w") as file, socket.socket() as unused:
        objects.extend([file.buffer.raw, unused])
        assert Worker().prepare_snapshot() == [f"the file {name} is open", "a socket is open"]
    assert Worker().prepare_snapshot() == []


def test_the_own_function_answers():
    outcome = invoke(Worker())
    assert isinstance(outcome, Outcome), outcome
    assert outcome.return_value.value["body"].value == b'{"a": "1", "agent": "x"}'
