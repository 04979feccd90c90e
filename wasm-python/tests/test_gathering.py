"""Code that runs often, copied."""

import enum
import inspect
import sys

import pytest

from snapfunc_worker.gathering import gather

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="before 3.11 no code was written to; the guest has 3.14")


def often(values: "list[Undefined]", *, extra: int = 1):  # noqa: F821
    """Adds up."""
    return [len(value) + extra + sum(number for number in value) for value in values]


def seldom(value):
    return value


class Holder(enum.Enum):
    ONE = 1

    def often(self):
        return super().__hash__() and [self.name + self.value.__doc__ for _ in range(3)]


@pytest.fixture(autouse=True)
def functions(monkeypatch):
    """Only these are looked at, and they are as they were afterwards."""
    method = vars(Holder)["often"]
    monkeypatch.setattr("gc.get_objects", lambda: [often, seldom, method, Holder])
    monkeypatch.setattr("sys.modules", {__name__: sys.modules[__name__]})
    monkeypatch.setitem(globals(), "often", often)
    yield
    type.__setattr__(Holder, "often", method)


def test_what_is_written_to_is_copied_and_works_on():
    before, method, kept = often, vars(Holder)["often"], seldom
    before.mark = "kept"
    gather(lambda: (often([[1, 2], (3,)]), Holder.ONE.often()))
    assert often is not before and often.__code__ is not before.__code__ and often.__code__ == before.__code__
    assert vars(Holder)["often"].__code__ == method.__code__ and seldom is kept
    assert often([[1, 2], (3,)]) == [6, 5] and often([[]], extra=5) == [5]
    assert Holder.ONE.often() == ["ONE" + int.__doc__] * 3
    assert (often.__doc__, often.__module__, often.__qualname__, often.mark) == ("Adds up.", __name__, "often", "kept")
    assert inspect.signature(often) == inspect.signature(before) and not hasattr(often, "__wrapped__")


def test_nothing_is_copied_where_nothing_is_written_to():
    before = often
    gather(lambda: None)
    assert often is before
