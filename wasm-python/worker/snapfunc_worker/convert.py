"""Values on their way between a binding and a function's parameters: the SDK's converters, and the generic one.

The SDK leaves the generic converter (for binding types that it does not know) to the worker; its rules are those of Microsoft's worker.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, NamedTuple

import azure.functions as func
from azure.functions import http, meta
from azure.functions._http import HttpRequestHeaders
from azure.functions.meta import Datum
from werkzeug.http import parse_date

from . import streams
from .model import Binding


class HttpResponse(NamedTuple):
    """A response's parts: the value of a datum of the type `http` that leaves."""

    status: object
    headers: dict[str, str]
    cookies: list[SimpleCookie]
    body: bytes


NOTHING = Datum(None, None)
_NO_HEADERS: dict[str, str] = {}


class _RequestHeaders(HttpRequestHeaders):
    """Headers that come to be when somebody looks at them: most functions look at none."""

    def __init__(self, read: Callable[[], dict[str, str]]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> dict[str, str]:
        if name != "__http_headers__":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        headers = self.__http_headers__ = self._read()
        return headers


class GenericConverter:
    """For binding types without a converter in the SDK: text, bytes, JSON and numbers pass through."""

    @staticmethod
    def check_input_type_annotation(annotation: type) -> bool:
        return issubclass(annotation, (str, bytes))

    @staticmethod
    def check_output_type_annotation(annotation: type) -> bool:
        return issubclass(annotation, (str, bytes, bytearray))

    @staticmethod
    def has_implicit_output() -> bool:
        return True

    @staticmethod
    def decode(data: Datum, *, trigger_metadata: Mapping[str, Datum] | None) -> Any:
        if data.type in ("string", "bytes", "json"):
            return data.value
        if data.type is None:
            return None
        raise ValueError(f'unexpected type of data received for the "generic" binding: {data.type!r}')

    @staticmethod
    def encode(value: Any, *, expected_type: type | None) -> Datum:
        if isinstance(value, str):
            return Datum(value, "string")
        if isinstance(value, (bytes, bytearray)):
            return Datum(bytes(value), "bytes")
        if value is None:
            return NOTHING
        if isinstance(value, (dict, list)):
            return Datum(json.dumps(value), "json")
        if isinstance(value, int):
            return Datum(int(value), "int")
        if isinstance(value, float):
            return Datum(value, "double")
        raise NotImplementedError


def _converter(kind: str) -> Any:
    return meta.get_binding_registry().get(kind) or GenericConverter


def _is_plain(kind: str, annotation: type | None) -> bool:
    """Whether a parameter asks for the data as it is: `str` or `bytes` goes with each type of binding."""
    return (annotation is str or annotation is bytes) and not has_implicit_output(kind)


def accepts_input(kind: str, annotation: type) -> bool:
    """Whether a binding of this type can fill a parameter of this type."""
    return _is_plain(kind, annotation) or bool(_converter(kind).check_input_type_annotation(annotation))


def accepts_output(kind: str, annotation: type) -> bool:
    """Whether a binding of this type can take a value of this type from an output parameter."""
    return _is_plain(kind, annotation) or accepts_return(kind, annotation)


def accepts_return(kind: str, annotation: type) -> bool:
    """Whether a binding of this type can take a returned value of this type."""
    return bool(_converter(kind).check_output_type_annotation(annotation))


def has_implicit_output(kind: str) -> bool:
    """Whether a function with a binding of this type may return a value without a `$return` binding."""
    if kind == "durableClient":
        return False
    check = getattr(_converter(kind), "has_implicit_output", None)
    return bool(check and check())


def decode(binding: Binding, datum: Datum, annotation: type | None, trigger_metadata: Mapping[str, Datum]) -> Any:
    """The Python value of an input. Raises `TypeError` where the binding can't take such data."""
    if datum.type == streams.KIND:
        if annotation is None or not issubclass(annotation, (str, bytes)):
            return streams.input_stream(datum.value, trigger_metadata)
        datum = Datum(datum.value.read_all(), "bytes")
    if _is_plain(binding.kind, annotation):
        return _plain(datum, annotation)
    if datum.type == "http" and binding.kind == "httpTrigger":
        return datum.value
    try:
        return _converter(binding.kind).decode(datum, trigger_metadata=trigger_metadata)
    except NotImplementedError:
        raise TypeError(
            f"unable to decode incoming TypedData: unsupported combination of TypedData field {datum.type!r} and expected binding type "
            f"{binding.kind!r}"
        ) from None


def http_request(
    method: str, url: str, headers: Callable[[], dict[str, str]], params: dict[str, str], route_params: dict[str, str], body: bytes
) -> http.HttpRequest:
    """What the SDK's converter makes of a request, without the objects that it wants around each text.

    `headers` gives them when they are looked at, with names in lower case.
    """
    request = http.HttpRequest(method, url, headers=_NO_HEADERS, params=params, route_params=route_params, body_type="bytes", body=body)
    request._HttpRequest__headers = _RequestHeaders(headers)
    return request


def _plain(datum: Datum, annotation: type) -> str | bytes | None:
    """What is asked for as `str` or `bytes` rather than as an object of the SDK. It is that, whichever of the two the host has it as."""
    value = GenericConverter.decode(datum, trigger_metadata=None)
    if value is None:
        return None
    if issubclass(annotation, str):
        return value if isinstance(value, str) else value.decode("utf-8")
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def encode(binding: Binding, value: Any, annotation: type | None) -> Datum:
    """The datum of an output or a return value. Raises `TypeError` where the binding can't take such a value."""
    if type(value) is func.HttpResponse and binding.kind == "http":
        return _checked(Datum(http_response(value), "http"))
    if binding.name != "$return" and _is_plain(binding.kind, annotation):
        # Where the SDK's converter knows more of the value, it still is right.
        with contextlib.suppress(NotImplementedError):
            return _checked(GenericConverter.encode(value, expected_type=annotation))
    try:
        datum = _converter(binding.kind).encode(value, expected_type=annotation)
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{binding.kind}" for Python type "{type(value).__name__}"'
        ) from None
    if datum is None:
        return NOTHING
    if datum.type == "http":
        parts = datum.value
        headers = {name: header.value for name, header in parts["headers"].items()}
        datum = Datum(HttpResponse(parts["status_code"].value, headers, parts["cookies"] or [], parts["body"].value), "http")
    return _checked(datum)


def http_response(response: func.HttpResponse) -> HttpResponse:
    """What the SDK's converter makes of a response, without the objects around each text and without errors for missing headers."""
    headers: dict[str, str] = dict(iter(response.headers))
    names = [name.lower() for name in headers]
    if "content-type" not in names:
        mimetype = response.mimetype
        headers["content-type"] = f"{mimetype}; charset={response.charset}" if mimetype.startswith("text/") else mimetype
    cookies: list[SimpleCookie] = []
    if "set-cookie" in names:
        cookies = [SimpleCookie(cookie) for cookie in response.headers.get_all("Set-Cookie")]
        headers = {name: value for name, value in headers.items() if name.lower() != "set-cookie"}
    return HttpResponse(response.status_code, headers, cookies, response.get_body())


def _checked(datum: Datum) -> Datum:
    """Text must be such that UTF-8 can carry it: where it leaves Python it is too late to say so. Raises `UnicodeEncodeError`."""
    if datum.type in ("string", "json"):
        texts = (datum.value,)
    elif datum.type == "http":
        texts = (*datum.value.headers, *datum.value.headers.values())
    else:
        return datum
    for text in texts:
        if not text.isascii():
            text.encode("utf-8")
    return datum


def cookie_parts(morsel: Morsel) -> dict[str, Any] | None:
    """A cookie's attributes with their types; `None` where one does not parse, which drops the cookie as Microsoft's worker does.

    A date that is none is the one error: `ValueError`.
    """
    try:
        max_age = int(morsel["max-age"]) if morsel["max-age"] else None
    except ValueError:
        return None
    if not isinstance(morsel["secure"] or False, bool) or not isinstance(morsel["httponly"] or False, bool):
        return None
    expires = None
    if morsel["expires"]:
        date = parse_date(morsel["expires"])
        if date is None:
            sentence = f"Can not parse value {morsel['expires']} of expires in the cookie due to invalid format."
            # On a line of its own, where tools look for it.
            logging.getLogger("snapfunc").error("%s", sentence)
            raise ValueError(sentence)
        expires = int(date.timestamp())
    return {
        "name": morsel.key,
        "value": morsel.coded_value,
        "domain": morsel["domain"],
        "path": morsel["path"],
        "expires": expires,
        "max_age": max_age,
        "secure": bool(morsel["secure"]),
        "http_only": bool(morsel["httponly"]),
        "same_site": morsel["samesite"] or None,
    }
