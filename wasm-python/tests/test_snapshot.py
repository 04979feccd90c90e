"""What happens before the interpreter's memory is copied, and in each copy."""

import gc
import random
import socket

import pytest

import snapfunc
from helpers import app, request, source
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


def invoke(worker, entropy=None, configuration=None, name=""):
    beginning = Beginning(entropy, configuration) if entropy else None
    return worker.invoke(Invocation(id="1", function_name=name, beginning=beginning, inputs={"request": REQUEST, "req": REQUEST}))


@pytest.fixture
def worker(app_folder, write):
    """With a function `f`."""
    write("f/__init__.py", "def main(req):\n    return 'done'\n")
    worker = Worker()
    worker.load(app(app_folder, source(app_folder)))
    return worker


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


def test_hooks_run_in_order_and_stay_functions(worker):
    calls = []

    @snapfunc.before_snapshot
    def before():
        calls.append("before")

    @snapfunc.after_restore
    def after():
        calls.append("after")

    assert worker.prepare_snapshot() == []
    # To warm up is no beginning.
    assert isinstance(invoke(worker, b"0123456789abcdef"), Outcome)
    assert calls == ["before"]
    assert isinstance(invoke(worker, b"0123456789abcdef", name="f"), Outcome)
    assert isinstance(invoke(worker, name="f"), Outcome)
    before()
    assert calls == ["before", "after", "before"]


def test_a_hook_that_raises_is_told(worker):
    @snapfunc.before_snapshot
    def before():
        raise ValueError("not now")

    @snapfunc.after_restore
    def after():
        raise SystemExit(1)

    (obstacle,) = worker.prepare_snapshot()
    assert "before" in obstacle and "ValueError: not now" in obstacle
    failure = invoke(worker, b"0123456789abcdef", name="f")
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
    assert outcome.return_value.value.body == b'{"a": "1", "agent": "x"}'
