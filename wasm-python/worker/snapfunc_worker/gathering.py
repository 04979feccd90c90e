"""Puts the code that each invocation runs side by side.

CPython counts in a code object how often some of its instructions ran, and notes which way its branches went. So an invocation writes to
the pages of the functions that it calls, and each instance must then have them as its own. Code that is copied in one go lies in few pages.
"""

import gc
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType

from . import ballast

_RUNS = 10
"""So often code runs until it has specialised itself; a call of something that was exchanged, until it has missed that often enough."""
_ATTRIBUTES = ("__module__", "__qualname__", "__doc__", "__kwdefaults__", "__type_params__")


def gather(run: Callable[[], object]) -> None:
    """Has modules and classes hold copies of the functions that `run` calls.

    The copies have not run yet: as they run for the first time, they find out whether their constants are immortal, and never ask again.
    Where something else holds such a function, it stays what it is.
    """
    _repeat(run)
    functions = _called(run)
    # So that copies do not fill the holes that others left.
    ballast.fill()
    _exchange({function: _copy_of(function) for function in functions})


def _repeat(run: Callable[[], object]) -> None:
    for _ in range(_RUNS):
        run()


def _called(run: Callable[[], object]) -> list[FunctionType]:
    """The functions that `run` calls. That code ran is written in it for ever; so it is asked of copies, which are there for that alone."""
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    copies = {function: copy for function in functions if _state(copy := _copy_of(function)) != _state(function)}
    before = {copy: _state(copy) for copy in copies.values()}
    _exchange(copies)
    _repeat(run)
    _exchange({copy: function for function, copy in copies.items()})
    return [function for function, copy in copies.items() if _state(copy) != before[copy]]


def _state(function: FunctionType) -> bytes:
    """The instructions as the interpreter has them, with their counters: the first time that code runs it writes to its first one."""
    return function.__code__._co_code_adaptive  # type: ignore[attr-defined]


def _exchange(copies: dict[FunctionType, FunctionType]) -> None:
    for module in [thing for thing in sys.modules.values() if isinstance(thing, ModuleType)]:
        for name, copy in _held(module, copies):
            setattr(module, name, copy)
    for kind in [thing for thing in gc.get_objects() if isinstance(thing, type)]:
        for name, copy in _held(kind, copies):
            type.__setattr__(kind, name, copy)  # past what a metaclass makes of it


def _held(place: object, copies: dict[FunctionType, FunctionType]) -> list[tuple[str, object]]:
    """What a module or class is to have in place of what it has."""
    return [(name, new) for name, value in vars(place).items() if (new := _renewed(value, copies)) is not value]


def _renewed(value: object, copies: dict[FunctionType, FunctionType]) -> object:
    """A function's copy, or what Python wraps methods in around copies; the same where there is none."""
    kind = type(value)
    if kind is FunctionType:
        return copies.get(value, value)  # type: ignore[call-overload]
    if kind is classmethod or kind is staticmethod:
        held = value.__func__  # type: ignore[attr-defined]
        copy = _renewed(held, copies)
        return value if copy is held else kind(copy)  # type: ignore[arg-type]
    if kind is property:
        parts = (value.fget, value.fset, value.fdel)  # type: ignore[attr-defined]
        new = tuple(_renewed(part, copies) for part in parts)
        return value if new == parts else property(*new, value.__doc__)  # type: ignore[arg-type]
    return value


def _copy_of(function: FunctionType) -> FunctionType:
    """A function of its own: for one whose code was exchanged, no call is ever specialised again."""
    copy = FunctionType(_copy(function.__code__), function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__dict__.update(function.__dict__)
    # Annotations that were not asked for yet are not: the names in them need not be there.
    annotations = "__annotations__" if getattr(function, "__annotate__", None) is None else "__annotate__"
    for name in (*_ATTRIBUTES, annotations):
        if hasattr(function, name):
            setattr(copy, name, getattr(function, name))
    return copy


def _copy(code: CodeType) -> CodeType:
    """With what is inside of it."""
    if not any(type(constant) is CodeType for constant in code.co_consts):
        return code.replace()
    return code.replace(co_consts=tuple(_copy(part) if type(part) is CodeType else part for part in code.co_consts))
