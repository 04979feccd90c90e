"""Makes a `Function` of a callable and its bindings, which must fit each other.

The checks and the words of their errors follow Microsoft's worker, so that what is known of it can be looked up.
"""

import inspect
import typing
from collections.abc import Callable
from typing import Any

import azure.functions as func

from . import convert
from .model import Binding, Function, FunctionSource, LoadError, Parameter

RETURN = "$return"


def check(source: FunctionSource, call: Callable[..., Any]) -> Function:
    """Checks the callable's parameters and annotations against the bindings. Raises `LoadError`."""
    return _Check(source, call).function()


class _Check:
    def __init__(self, source: FunctionSource, call: Callable[..., Any]) -> None:
        self.source = source
        self.declared_in = source.declared_in
        self.call = call
        self.bindings = {binding.name: binding for binding in source.bindings}
        self.parameters = dict(inspect.signature(call).parameters)
        try:
            self.annotations = typing.get_type_hints(call)
        except Exception:  # an annotation that can't be evaluated is no reason not to run the function
            self.annotations = dict(getattr(call, "__annotations__", {}))

    def error(self, message: str) -> LoadError:
        return LoadError(f"cannot load the {self.source.name} function: {message}")

    def function(self) -> Function:
        if any(binding.direction == "inout" for binding in self.bindings.values()):
            raise self.error('"inout" bindings are not supported')
        returns = self._returns()
        takes_context = self._takes_context()
        inputs, outputs = self._inputs_and_outputs()
        return Function(
            name=self.source.name,
            directory=self.source.directory,
            call=self.call,
            is_async=inspect.iscoroutinefunction(self.call) or inspect.iscoroutinefunction(type(self.call).__call__),
            takes_context=takes_context,
            inputs=inputs,
            outputs=outputs,
            returns=returns,
        )

    def _returns(self) -> Parameter | None:
        binding = self.bindings.pop(RETURN, None)
        if binding is None:
            return self._implicit_return()
        if binding.direction != "out":
            raise self.error('"$return" binding must have direction set to "out"')
        annotation = self.annotations.get("return")
        if annotation is func.Out or typing.get_origin(annotation) is func.Out:
            raise self.error("return annotation should not be azure.functions.Out")
        if not _is_hint(annotation):
            raise self.error(f"has invalid non-type return annotation {annotation!r}")
        annotation = annotation if isinstance(annotation, type) else None
        if annotation is not None and not convert.accepts_return(binding.kind, annotation):
            raise self.error(f'Python return annotation "{annotation.__name__}" does not match binding type "{binding.kind}"')
        return Parameter(binding, annotation)

    def _implicit_return(self) -> Parameter | None:
        """Some bindings have a use for a returned value without a `$return` binding."""
        for binding in self.bindings.values():
            if convert.has_implicit_output(binding.kind):
                return Parameter(binding, None)
        return None

    def _takes_context(self) -> bool:
        if "context" not in self.parameters or "context" in self.bindings:
            return False
        annotation = self.annotations.get("context")
        if isinstance(annotation, type) and not issubclass(annotation, func.Context):
            raise self.error(f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}')
        del self.parameters["context"]
        return True

    def _inputs_and_outputs(self) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
        only_bound = set(self.bindings) - set(self.parameters)
        if only_bound:
            raise self.error(f"the following parameters are declared in {self.declared_in} but not in Python: {_names(only_bound)}")
        only_declared = {
            name
            for name, parameter in self.parameters.items()
            if name not in self.bindings and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }
        if only_declared:
            raise self.error(f"the following parameters are declared in Python but not in {self.declared_in}: {_names(only_declared)}")
        inputs: dict[str, Parameter] = {}
        outputs: dict[str, Parameter] = {}
        for name, binding in self.bindings.items():
            annotation, is_out = self._annotation(name)
            if binding.direction == "out":
                outputs[name] = self._output(binding, annotation, is_out)
            else:
                inputs[name] = self._input(binding, annotation, is_out)
        return inputs, outputs

    def _annotation(self, name: str) -> tuple[Any, bool]:
        """A parameter's type, and whether it is wrapped in `func.Out[...]`."""
        annotation = self.annotations.get(name)
        if annotation is func.Out:
            raise self.error(f"binding {name} has invalid Out annotation {annotation!r}: say of what, like Out[str]")
        is_out = typing.get_origin(annotation) is func.Out
        hint = typing.get_args(annotation)[0] if is_out else annotation
        if not _is_hint(hint):
            raise self.error(f"binding {name} has invalid non-type annotation {hint!r}")
        return hint, is_out

    def _output(self, binding: Binding, annotation: Any, is_out: bool) -> Parameter:
        if annotation is not None and not is_out:
            raise self.error(
                f'binding {binding.name} is declared to have the "out" direction in {self.declared_in}, '
                "but its annotation in Python is not a subclass of azure.functions.Out"
            )
        concrete = annotation if isinstance(annotation, type) else None
        if concrete is not None and not convert.accepts_output(binding.kind, concrete):
            raise self._mismatch(binding, concrete)
        return Parameter(binding, concrete)

    def _input(self, binding: Binding, annotation: Any, is_out: bool) -> Parameter:
        if is_out:
            raise self.error(
                f'binding {binding.name} is declared to have the "in" direction in {self.declared_in}, '
                "but its annotation is azure.functions.Out in Python"
            )
        concrete = annotation if isinstance(annotation, type) else None
        if concrete is not None and not convert.accepts_input(binding.kind, concrete):
            raise self._mismatch(binding, concrete)
        return Parameter(binding, concrete)

    def _mismatch(self, binding: Binding, annotation: type) -> LoadError:
        return self.error(
            f'type of {binding.name} binding in {self.declared_in} "{binding.kind}" does not match its Python annotation '
            f'"{annotation.__name__}"'
        )


def _is_hint(annotation: Any) -> bool:
    """Whether an annotation says anything of a type: none, a class, one of `typing`, or the text of one that can't be evaluated."""
    return (
        annotation is None
        or callable(annotation)
        or isinstance(annotation, (str, typing.ForwardRef, typing.TypeVar))
        or typing.get_origin(annotation) is not None
    )


def _names(names: set[str]) -> str:
    return "{" + ", ".join(repr(name) for name in sorted(names)) + "}"
