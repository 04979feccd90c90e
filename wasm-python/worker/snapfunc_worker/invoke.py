"""Runs one function: parameters by name, the call, outputs back.

The order of things and the words of errors follow Microsoft's worker.
"""

import contextvars
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from . import context, convert, extensions, logs, loop
from .model import Function, Invocation, Outcome


class Out(func.Out):
    """An output parameter. What was set last counts."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


def invoke(function: Function, invocation: Invocation) -> Outcome:
    """Runs a function. Raises what it raises, and `TypeError` or `RuntimeError` where a value does not fit its binding."""
    arguments = _inputs(function, invocation)
    outputs = {name: Out() for name in function.outputs}
    arguments.update(outputs)
    call = function.call
    if function.takes_context or extensions.are_on():
        known = context.Context(function, invocation)
        if function.takes_context:
            arguments["context"] = known
        if extensions.are_on():
            call = extensions.around(function, known)
    logs.begin(invocation.id)
    context.enter(invocation.id)
    try:
        returned = loop.run(call(**arguments)) if function.is_async else contextvars.copy_context().run(call, **arguments)
        return _outcome(function, returned, outputs)
    finally:
        logs.end()
        logs.begin(None)


def _inputs(function: Function, invocation: Invocation) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, parameter in function.inputs.items():
        datum = invocation.inputs.get(name, convert.NOTHING)
        arguments[name] = convert.decode(parameter.binding, datum, parameter.annotation, invocation.trigger_metadata)
    return arguments


def _outcome(function: Function, returned: Any, outputs: dict[str, Out]) -> Outcome:
    if returned is not None and function.returns is None:
        raise RuntimeError(f"function {function.name!r} without a $return binding returned a non-None value")
    encoded: list[tuple[str, Datum]] = []
    for name, out in outputs.items():
        value = out.get()
        if value is not None:
            parameter = function.outputs[name]
            encoded.append((name, convert.encode(parameter.binding, value, parameter.annotation)))
    return_value = None
    if function.returns is not None:
        return_value = convert.encode(function.returns.binding, returned, function.returns.annotation)
    return Outcome(return_value, encoded)
