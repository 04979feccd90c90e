"""Makes what the host would hand over."""

from azure.functions.meta import Datum

from snapfunc_worker import convert
from snapfunc_worker.model import App, Binding, FunctionSource, Invocation

HTTP = (("req", "httpTrigger", "in"), ("$return", "http", "out"))


def source(root, name="f", script="__init__.py", entry_point="main", bindings=HTTP) -> FunctionSource:
    return FunctionSource(name, f"{root}/{name}", f"{root}/{name}/{script}", entry_point, [Binding(*binding) for binding in bindings])


def app(root, *functions, packages=()) -> App:
    return App(str(root), [str(package) for package in packages], list(functions))


def request(method="GET", url="http://localhost/api/f", headers=(), query=(), params=(), body=b"") -> Datum:
    return Datum(convert.http_request(method, url, lambda: dict(headers), dict(query), dict(params), body), "http")


def invocation(name="f", inputs=None, **fields) -> Invocation:
    return Invocation(id="id-1", function_name=name, inputs={"req": request()} if inputs is None else inputs, **fields)
