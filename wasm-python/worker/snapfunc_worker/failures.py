"""Exceptions as the host reports them: class, message, and a traceback that begins in the user's code."""

import os
import traceback
from types import TracebackType

from .model import Failure

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))
# The class's own name, not what a metaclass says.
_name_of = type.__dict__["__name__"].__get__
_IMPORT_MACHINERY = ("<frozen importlib", os.sep + "importlib" + os.sep)


def describe(error: BaseException) -> Failure:
    """An exception as a `Failure`."""
    kind = _name_of(type(error))
    try:
        shown = error.with_traceback(_without_own_frames(error.__traceback__))
        stack = "".join(traceback.format_exception(shown)).rstrip("\n")
    except BaseException:  # a hostile __str__ or __cause__ must not hide that the function failed, whatever it raises
        stack = f"{kind} (its traceback can't be printed)"
    return Failure(kind=kind, message=_message(error), stack=stack)


def _message(error: BaseException) -> str:
    try:
        # Of a class of its own, the text may still do anything when it is used.
        return str.__str__(str(error))
    except BaseException:
        return "(its message can't be printed)"


def _without_own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Drops the frames through which the worker and the import machinery reached the user's code."""
    first = frames
    while first is not None and _is_machinery(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    return first


def _is_machinery(file: str) -> bool:
    return file.startswith(_OWN_FOLDER) or any(part in file for part in _IMPORT_MACHINERY)
