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


class Wrapped:
    @classmethod
    def of(cls):
        """Of the class."""
        return cls.__name__

    @staticmethod
    def plain(value):
        return value if value else None

    @property
    def shown(self):
        """Can be set."""
        return self.of()

    @shown.setter
    def shown(self, value):
        self.value = value

    @property
    def hidden(self):
        return None


@pytest.fixture(autouse=True)
def functions(monkeypatch):
    """Only these are looked at, and they are as they were afterwards."""
    method = vars(Holder)["often"]
    wrapped = [vars(Wrapped)[name] for name in ("of", "plain")]
    inner = [*(value.__func__ for value in wrapped), Wrapped.shown.fget, Wrapped.shown.fset, Wrapped.hidden.fget]
    monkeypatch.setattr("gc.get_objects", lambda: [often, seldom, method, *inner, Holder, Wrapped])
    monkeypatch.setattr("sys.modules", {__name__: sys.modules[__name__]})
    monkeypatch.setitem(globals(), "often", often)
    yield
    type.__setattr__(Holder, "often", method)


def test_what_is_called_is_copied_and_works_on():
    before, method, kept = often, vars(Holder)["often"], seldom
    before.mark = "kept"
    gather(lambda: (often([[1, 2], (3,)]), Holder.ONE.often()))
    assert often is not before and often.__code__ is not before.__code__ and often.__code__ == before.__code__
    assert vars(Holder)["often"].__code__ == method.__code__ and seldom is kept
    assert often([[1, 2], (3,)]) == [6, 5] and often([[]], extra=5) == [5]
    assert Holder.ONE.often() == ["ONE" + int.__doc__] * 3
    assert (often.__doc__, often.__module__, often.__qualname__, often.mark) == ("Adds up.", __name__, "often", "kept")
    assert inspect.signature(often) == inspect.signature(before) and not hasattr(often, "__wrapped__")


def test_what_methods_are_wrapped_in_is_made_anew():
    before = dict(vars(Wrapped))
    gather(lambda: (Wrapped.of(), Wrapped.plain(1), Wrapped().shown))
    for name in ("of", "plain"):
        now = vars(Wrapped)[name]
        assert type(now) is type(before[name]) and now.__func__ is not before[name].__func__
    now = vars(Wrapped)["shown"]
    assert now.fget is not before["shown"].fget and now.fset is before["shown"].fset and now.__doc__ == "Can be set."
    assert vars(Wrapped)["hidden"].fget is before["hidden"].fget
    assert (Wrapped.of(), Wrapped.of.__doc__, Wrapped.plain(2), Wrapped().shown) == ("Wrapped", "Of the class.", 2, "Wrapped")
    thing = Wrapped()
    thing.shown = 3
    assert thing.value == 3


def test_nothing_is_copied_that_is_not_called():
    before = dict(globals(), method=vars(Holder)["often"])
    seldom(1)
    gather(lambda: None)
    assert (often, seldom, vars(Holder)["often"]) == (before["often"], before["seldom"], before["method"])
