import asyncio
import types

import azure.functions as func
import pytest

import function_app


def test_hello():
    # A decorated function can be called as if it were not decorated.
    req = func.HttpRequest(
        method="GET", body=b"", url="/api/hello/Ada", route_params={"user": "Ada"}
    )
    assert function_app.hello(req) == "Hello, Ada!"
    req = func.HttpRequest(method="GET", body=b"", url="/api/hello", route_params={})
    assert function_app.hello(req) == "Hello, world!"


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (b"[1, 2.5]", 200, b'{"sum": 3.5}'),
        (b"[]", 200, b'{"sum": 0}'),
        (b"no JSON", 400, b"A JSON list of numbers, please."),
        (b'["a"]', 400, b"A JSON list of numbers, please."),
    ],
)
def test_add(body, status, answer):
    req = func.HttpRequest(method="POST", body=body, url="/api/sums")
    context = types.SimpleNamespace(function_name="add")
    resp = asyncio.run(function_app.sum_of_numbers(req, context))
    assert (resp.status_code, resp.get_body()) == (status, answer)
