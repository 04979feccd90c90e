"""Finds the objects that last as long as the interpreter: what was imported, and all that hangs on it.

Using an object writes to its reference count, and so to its page, which each instance must then have as its own. A host that knows which
objects last can make them immortal in the memory image (PEP 683): their counts are never written again.
"""

import gc
import itertools
import sys
from collections.abc import Callable, Iterable
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType

# By these, and by identity, classes are looked at without running code of their metaclasses, which may do anything.
_bases_of = type.__dict__["__mro__"].__get__
_dict_of = type.__dict__["__dict__"].__get__

_is_immortal: Callable[[object], bool] = getattr(sys, "_is_immortal", lambda thing: False)
"""Python 3.14 and later tell."""

_PASSING = (FrameType, GeneratorType, CoroutineType, AsyncGeneratorType)


def addresses(kept: Iterable[object] = ()) -> list[int]:
    """The addresses of their reference counts; the first is that of `None`, which is immortal already.

    What is `kept` lasts, of whatever kind it is.
    Only for an instance that is thrown away afterwards: what is found is not frozen any more.
    """
    # A collection would free garbage that the memory image still has, and give its place to what is made here.
    gc.disable()
    gc.unfreeze()
    # Listed before anything is made here: in the memory image something else may be in its place.
    found = _reachable(list(itertools.filterfalse(_is_immortal, gc.get_objects())))
    # There are far fewer kinds than things.
    kinds = {id(kind): kind for kind in map(type, found.values())}
    lasting = {address for address, kind in kinds.items() if _lasts(kind)}
    return [id(None), *map(id, kept), *(address for address, thing in found.items() if id(type(thing)) in lasting)]


def _reachable(new: list[object]) -> dict[int, object]:
    """These things and all that hangs on them, by their addresses. What is immortal already, the guest's own, is not looked into."""
    found: dict[int, object] = {}
    while new:
        fresh = {id(thing): thing for thing in itertools.filterfalse(_is_immortal, new) if id(thing) not in found}
        found |= fresh
        new = gc.get_referents(*fresh.values())
        new += [part for thing in fresh.values() if type(thing) is CodeType for part in _parts(thing)]
    return found


def _parts(code: CodeType) -> tuple[object, ...]:
    """What a code object holds; the collector does not follow it."""
    texts = (code.co_filename, code.co_name, code.co_qualname, code.co_linetable, code.co_exceptiontable)
    return (code.co_consts, code.co_names, *texts, *code.co_varnames, *code.co_cellvars, *code.co_freevars)


def _lasts(kind: type) -> bool:
    """Whether nobody waits for the end of one."""
    if any(kind is passing for passing in _PASSING):
        return False
    return not any("__del__" in _dict_of(base) for base in _bases_of(kind))
