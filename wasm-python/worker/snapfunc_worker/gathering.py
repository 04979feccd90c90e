"""Puts the code that each invocation runs side by side.

CPython counts in a code object how often some of its instructions ran. So an invocation writes to the pages of the functions that it calls,
and each instance must then have them as its own. Code that is copied in one go lies in few pages.
"""

import gc
import sys
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType

from . import ballast

_RUNS = 10
"""So often code runs until it has specialised itself; a call of something that was exchanged, until it has missed that often enough."""
_ATTRIBUTES = ("__module__", "__qualname__", "__doc__", "__kwdefaults__", "__type_params__")


def gather(run: Callable[[], object]) -> None:
    """Has modules and classes hold copies of the functions whose code `run` still writes to after some times.

    Where something else holds such a function, it stays what it is.
    """
    _repeat(run)
    functions, written = _writing(run)
    # So that copies do not fill the holes that others left.
    ballast.fill()
    copies = {function: _copy_of(function, written) for function in functions}
    for module in [thing for thing in sys.modules.values() if isinstance(thing, ModuleType)]:
        for name, copy in _held(module, copies):
            setattr(module, name, copy)
    for kind in [thing for thing in gc.get_objects() if isinstance(thing, type)]:
        for name, copy in _held(kind, copies):
            type.__setattr__(kind, name, copy)  # past what a metaclass makes of it
    _repeat(run)


def _repeat(run: Callable[[], object]) -> None:
    for _ in range(_RUNS):
        run()


def _writing(run: Callable[[], object]) -> tuple[list[FunctionType], set[int]]:
    """The functions whose code, or code in it, is written to; and the addresses of such code."""
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    known = _known(function.__code__ for function in functions)
    before = {address: _state(code) for address, code in known.items()}
    run()
    written = {address for address, state in before.items() if _state(known[address]) != state}
    return [function for function in functions if not written.isdisjoint(_known([function.__code__]))], written


def _known(codes: Iterable[CodeType]) -> dict[int, CodeType]:
    """Code by its address, with what is inside of it."""
    known: dict[int, CodeType] = {}
    waiting = list(codes)
    while waiting:
        code = waiting.pop()
        known[id(code)] = code
        waiting += (constant for constant in code.co_consts if type(constant) is CodeType)
    return known


def _state(code: CodeType) -> int:
    """Of the instructions as the interpreter has them, with their counters."""
    return hash(code._co_code_adaptive)  # type: ignore[attr-defined]


def _held(place: object, copies: dict[FunctionType, FunctionType]) -> list[tuple[str, FunctionType]]:
    values = [(name, value) for name, value in vars(place).items() if type(value) is FunctionType]
    return [(name, copies[value]) for name, value in values if value in copies]


def _copy_of(function: FunctionType, written: set[int]) -> FunctionType:
    """A function of its own: for one whose code was exchanged, no call is ever specialised again."""
    code = _copy(function.__code__, written)
    copy = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__dict__.update(function.__dict__)
    # Annotations that were not asked for yet are not: the names in them need not be there.
    annotations = "__annotations__" if getattr(function, "__annotate__", None) is None else "__annotate__"
    for name in (*_ATTRIBUTES, annotations):
        if hasattr(function, name):
            setattr(copy, name, getattr(function, name))
    return copy


def _copy(code: CodeType, written: set[int]) -> CodeType:
    """A copy of code that was written to, or holds some that was."""
    if written.isdisjoint(_known([code])):
        return code
    if not any(type(constant) is CodeType for constant in code.co_consts):
        return code.replace()
    return code.replace(co_consts=tuple(_copy(part, written) if type(part) is CodeType else part for part in code.co_consts))
