"""The worker's own function: the host invokes it before a snapshot, so that what every invocation uses is warm in each copy."""

import json

import azure.functions as func

from . import signature
from .model import Binding, FunctionSource


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
