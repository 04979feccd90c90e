"""What runs before a snapshot, so that it is warm in each copy.

The worker's own function, which the host invokes for what every invocation uses, and the app's warm-up functions.
"""

import json
import logging
from collections.abc import Iterable

import azure.functions as func
from azure.functions.meta import Datum

from . import invoke, signature
from .model import Binding, Function, FunctionSource, Invocation

_TRIGGER = "warmuptrigger"
_NO_ID = "00000000-0000-0000-0000-000000000000"


def _main(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Touches what functions usually touch, and answers with what it was sent."""
    headers = {"X-Invocation-Id": context.invocation_id, "X-Method": request.method}
    text = json.dumps({**request.params, **request.route_params, "agent": request.headers.get("user-agent", "")})
    if request.params.get("echo"):
        return func.HttpResponse(request.get_body(), status_code=200, headers=headers, mimetype="application/octet-stream")
    return func.HttpResponse(text, status_code=200, headers=headers, mimetype="application/json")


_BINDINGS = [Binding("request", "httpTrigger", "in"), Binding("$return", "http", "out")]

FUNCTION = signature.check(FunctionSource("", "/", __file__, "_main", _BINDINGS), _main)
"""Its name is empty, as no function of an app can be called."""


def run(functions: Iterable[Function]) -> None:
    """Runs the app's warm-up functions. One that fails leaves the app less warm, and nothing worse."""
    for function in functions:
        trigger = _trigger(function)
        if trigger is None:
            continue
        try:
            invoke.invoke(function, Invocation(_NO_ID, function.name, inputs={trigger: Datum("{}", "json")}))
        except BaseException:  # SystemExit too: the host decides when an app ends
            logging.getLogger("snapfunc").warning("the warm-up function %s failed", function.name, exc_info=True)


def _trigger(function: Function) -> str | None:
    return next((name for name, parameter in function.inputs.items() if parameter.binding.kind.lower() == _TRIGGER), None)
