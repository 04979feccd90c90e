"""Cookies, requests, and data without a type of the SDK's; the SDK's converters have their tests elsewhere."""

import copy
import io
from http import HTTPStatus
from http.cookies import SimpleCookie

import azure.functions as func
import pytest
from azure.functions import http
from azure.functions.meta import Datum

from snapfunc_worker.convert import accepts_input, accepts_output, cookie_parts, decode, encode, http_request
from snapfunc_worker.model import Binding


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


def test_a_request_is_what_the_sdk_makes_of_it():
    headers, params, route = {"x-a": "1", "content-type": "text/plain"}, {"q": "2"}, {"id": "3"}

    def texts(pairs):
        return {name: Datum(value, "string") for name, value in pairs.items()}

    datum = Datum(
        {
            "method": Datum("get", "string"),
            "url": Datum("http://localhost/", "string"),
            "headers": texts(headers),
            "query": texts(params),
            "params": texts(route),
            "body": Datum(b"body", "bytes"),
        },
        "http",
    )
    expected = http.HttpRequestConverter.decode(datum, trigger_metadata=None)
    asked = []
    request = http_request("get", "http://localhost/", lambda: asked.append(1) or headers, params, route, b"body")
    assert dict(request.headers) == dict(expected.headers) == dict(copy.deepcopy(request.headers))
    assert isinstance(request.headers, type(expected.headers)) and asked == [1]
    assert state(request) == state(expected)
    assert request.headers["X-A"] == "1" and request.get_body() == b"body"


class Own(func.HttpResponse):
    """Of it the SDK's converter is asked."""


@pytest.mark.parametrize(
    ("body", "others", "added"),
    [
        ("x", {}, []),
        (None, {"status_code": 204}, []),
        (b"\xff", {"mimetype": "application/json", "status_code": HTTPStatus.CREATED}, []),
        ("\u00e4", {"mimetype": "text/html", "charset": "latin-1"}, []),
        ("x", {"headers": {"Content-TYPE": "a/b", "X-A": "1"}}, [("x-a", "2"), ("X-A", "3"), ("X-B", 4)]),
        (
            "x",
            {"headers": {"Set-Cookie": "a=1; Path=/"}},
            [("set-cookie", "b=2; HttpOnly"), ("X-A", "1"), ("Set-Cookie", "c=3; Max-Age=5")],
        ),
        ("x", {"headers": {"content-type": "a/b"}, "status_code": "201"}, []),
        ("x", {"status_code": 200.5}, []),
    ],
)
def test_a_response_is_what_the_sdk_makes_of_it(body, others, added):
    def encoded(kind):
        response = kind(body, **others)
        for name, value in added:
            response.headers.add(name, value)
        sent = encode(Binding("$return", "http", "out"), response, None).value
        return str(sent.status), list(sent.headers.items()), [cookie.output() for cookie in sent.cookies], sent.body

    assert encoded(func.HttpResponse) == encoded(Own)


def test_a_response_stays_what_it_is():
    response = func.HttpResponse("x", headers={"Set-Cookie": "a=1"})
    for _ in range(2):
        sent = encode(Binding("$return", "http", "out"), response, None).value
        assert (len(sent.cookies), sent.headers) == (1, {"content-type": "text/plain; charset=utf-8"})


def state(request):
    return {name: (type(value), value) for name, value in vars(request).items() if not name.endswith("__headers")}


def test_a_number_that_is_none_drops_the_cookie():
    assert parts("foo=bar; Max-Age=Dummy") is None


def test_a_date_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="Can not parse value Dummy of expires in the cookie due to invalid format."):
        parts("foo=bar; expires=Dummy")


def take(kind, annotation, datum):
    binding = Binding("x", kind, "in")
    assert accepts_input(kind, annotation)
    return decode(binding, datum, annotation, {})


@pytest.mark.parametrize("kind", ["queueTrigger", "blobTrigger", "blob", "timerTrigger", "warmupTrigger"])
def test_a_parameter_of_str_or_bytes_is_the_data_itself(kind):
    for datum in (Datum("é", "string"), Datum("é".encode(), "bytes")):
        assert take(kind, str, datum) == "é"
        assert take(kind, bytes, datum) == "é".encode()
    assert take(kind, str, Datum('{"a": 1}', "json")) == '{"a": 1}'
    assert take(kind, str, Datum(None, None)) is None


def test_a_request_is_no_text():
    with pytest.raises(ValueError, match="unexpected type of data received"):
        take("httpTrigger", str, Datum({}, "http"))


@pytest.mark.parametrize(
    ("kind", "annotation", "value", "datum"),
    [
        ("queue", str, {"a": 1}, ("json", '{"a": 1}')),
        ("queue", str, b"x", ("bytes", b"x")),
        ("queue", bytes, ["a", "b"], ("json", '["a", "b"]')),
        ("queue", str, func.QueueMessage(body="x"), ("json", '{"id": null, "body": "x"}')),
        ("http", bytes, b"x", ("bytes", b"x")),
        ("blob", str, bytearray(b"x"), ("bytes", b"x")),
        ("blob", str, io.StringIO("x"), ("string", "x")),
    ],
)
def test_an_output_of_str_or_bytes_takes_what_json_can_say_too(kind, annotation, value, datum):
    assert accepts_output(kind, annotation)
    encoded = encode(Binding("x", kind, "out"), value, annotation)
    assert (encoded.type, encoded.value) == datum


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("http", "\ud800"),
        ("queue", "\ud800"),
        ("blob", "\ud800"),
        ("table", "\ud800"),
        ("http", func.HttpResponse("x", headers={"X-A": "\ud800"})),
    ],
)
@pytest.mark.parametrize("annotation", [None, str])
def test_text_that_utf_8_cant_carry_is_refused(kind, value, annotation):
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        encode(Binding("x", kind, "out"), value, annotation)


def test_a_return_value_is_what_its_binding_takes():
    with pytest.raises(TypeError, match='unsupported type "http" for Python type "bytes"'):
        encode(Binding("$return", "http", "out"), b"x", str)
