"""What an app reads of its settings while it is loaded, and settings that come later."""

import os

import pytest

from snapfunc_worker import environment


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    before = dict(os.environ)
    environment.replace({"KEPT": "1", "CHANGED": "2"})
    yield
    environment.replace(before)


def names(look):
    with environment.Noting() as noted:
        look()
    return noted.names


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (lambda: os.environ["KEPT"], ["KEPT"]),
        (lambda: os.environ.get("NEVER_SET"), ["NEVER_SET"]),
        (lambda: os.getenv("A") or os.getenvb(b"B"), ["A", "B"]),
        (lambda: "A" in os.environ, ["A"]),
        (lambda: os.environ.pop("KEPT", None), ["KEPT"]),
        (lambda: os.environ.setdefault("D", "1"), ["D"]),
        (lambda: os.environ.copy(), ["*"]),
        (lambda: len(os.environ), ["*"]),
        (lambda: os.environ.update(A="1"), []),
        (lambda: None, []),
    ],
)
def test_names_that_are_looked_for_are_noted(look, expected):
    assert set(expected) <= names(look)
    assert ("*" in names(look)) == ("*" in expected)


def test_what_was_set_meanwhile_stays():
    names(lambda: os.environ.update(NEW="3"))
    assert os.environ["NEW"] == os.environb[b"NEW"].decode() == "3"
    assert names(lambda: None) == set()
    assert type(os.environ._data) is dict


def test_later_settings_fill_in_what_the_app_did_not_set():
    os.environ["CHANGED"] = "by the app"
    os.environ["OWN"] = "by the app"
    environment.add({"KEPT": "new", "CHANGED": "new", "OWN": "new", "MORE": "new"})
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    assert dict(os.environ) == {"KEPT": "new", "CHANGED": "by the app", "OWN": "by the app", "MORE": "new"}
