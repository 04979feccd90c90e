"""Which objects count as lasting."""

import gc
import sys

import pytest

from snapfunc_worker import lasting


class Ending:
    def __del__(self):
        pass


def passing():
    yield


KEPT = ["a text that is only here", Ending(), passing(), {"inner": ("a tuple", 123456789)}]


@pytest.fixture(autouse=True)
def collector():
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.enable()


def test_imported_things_and_what_hangs_on_them_last():
    found = set(lasting.addresses())
    assert {id(KEPT), id(KEPT[0]), id(KEPT[3]), id(KEPT[3]["inner"]), id(lasting._lasts), id(passing.__code__), id(Ending)} <= found


def test_what_somebody_may_wait_for_does_not():
    assert not {id(KEPT[1]), id(KEPT[2])} & set(lasting.addresses())


def test_what_is_made_meanwhile_does_not(monkeypatch):
    asked = []
    real = gc.get_referents

    def note(*things):
        asked.extend(type(thing) is dict and id(KEPT) in thing for thing in things)
        return real(*things)

    monkeypatch.setattr("gc.get_referents", note)
    lasting.addresses()
    # Such as the collection of addresses itself, and with it a number for each.
    assert asked and not any(asked)


def test_the_first_is_the_model():
    model = lasting.addresses()[0]
    assert model == id(None)
    if sys.version_info >= (3, 14):
        assert sys._is_immortal(None)


def test_nothing_is_collected_meanwhile():
    collecting = []

    def note(_phase, _info):
        collecting.append(sys._getframe(1).f_code.co_filename)

    gc.callbacks.append(note)
    gc.set_threshold(1)
    try:
        lasting.addresses()
    finally:
        gc.callbacks.remove(note)
    assert lasting.__file__ not in collecting
