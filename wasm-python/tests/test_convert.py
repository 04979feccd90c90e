"""Cookies; the SDK's converters have their tests elsewhere."""

from http.cookies import SimpleCookie

import pytest

from snapfunc_worker.convert import cookie_parts


def parts(text):
    (morsel,) = SimpleCookie(text).values()
    return cookie_parts(morsel)


def test_every_attribute():
    date = "Thu, 12-Jan-2017 13:55:08 GMT"
    cookie = parts(f"foo3=42; Domain=example.com; Expires={date}; Path=/; Max-Age=10000000; Secure; HttpOnly; SameSite=Lax")
    assert cookie == {
        "name": "foo3",
        "value": "42",
        "domain": "example.com",
        "path": "/",
        "expires": 1484229308,
        "max_age": 10000000,
        "secure": True,
        "http_only": True,
        "same_site": "Lax",
    }


def test_absent_attributes_are_empty_as_the_worker_of_azure_has_them():
    cookie = parts("foo=bar")
    assert (cookie["domain"], cookie["path"], cookie["expires"], cookie["max_age"], cookie["same_site"]) == ("", "", None, None, None)


def test_a_number_that_is_none_drops_the_cookie():
    assert parts("foo=bar; Max-Age=Dummy") is None


def test_a_date_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="Can not parse value Dummy of expires in the cookie due to invalid format."):
        parts("foo=bar; expires=Dummy")
