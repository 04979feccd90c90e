"""What user code logs and prints, on its way to the host.

Records of the root logger cross with their level and logger; what is printed crosses line by line. Nothing is kept back when an invocation
ends.
"""

import io
import logging
import sys
from collections.abc import Callable
from typing import Any

from .model import Level

Emit = Callable[[Level, str, str, str | None], None]
"""Hands one record to the host: level, logger, text, invocation id."""

_LEVELS = (
    (logging.CRITICAL, Level.CRITICAL),
    (logging.ERROR, Level.ERROR),
    (logging.WARNING, Level.WARNING),
    (logging.INFO, Level.INFORMATION),
    (logging.DEBUG, Level.DEBUG),
)

_MARK = "LanguageWorkerConsoleLog"
"""Begins what is printed for the platform's own log on Azure; the Functions host shows the rest of the line."""

_invocation_id: str | None = None
_installed_level: int | None = None
_stdout: io.TextIOWrapper | None = None
_stderr: io.TextIOWrapper | None = None
_printed: "list[_Printed]" = []
_unfinished = False
"""Whether one of them may have text behind its last line's end."""


def install(emit: Emit) -> None:
    """Sends records of the root logger and everything printed to `emit`."""
    global _stdout, _stderr
    root = logging.getLogger()
    root.addHandler(_Handler(emit))
    _printed[:] = [_Printed(emit, Level.INFORMATION, "stdout"), _Printed(emit, Level.INFORMATION, "stderr")]
    _stdout, _stderr = (_text(printed) for printed in _printed)
    sys.stdout, sys.stderr = _stdout, _stderr


def streams() -> list[object]:
    """The standard streams, which last as long as the interpreter."""
    return [_stdout, _stderr]


def set_level(level: Level) -> None:
    """Sets what the root logger lets through, unless the app has set that itself."""
    global _installed_level
    root = logging.getLogger()
    if _installed_level is not None and root.level != _installed_level:
        return
    wanted = logging.DEBUG if level <= Level.DEBUG else logging.INFO
    # Setting it has all loggers forget what they let through.
    if wanted != _installed_level:
        _installed_level = wanted
        root.setLevel(wanted)


def begin(invocation_id: str | None) -> None:
    """Attributes what is logged and printed from now on to an invocation."""
    global _invocation_id
    _invocation_id = invocation_id


def end() -> None:
    """Hands over what was printed without a line's end."""
    global _unfinished
    if sys.stdout is not _stdout or not _stdout.write_through:
        _flush(sys.stdout)
    if sys.stderr is not _stderr or not _stderr.write_through:
        _flush(sys.stderr)
    if _unfinished:
        _unfinished = False
        for printed in _printed:
            printed.finish_line()


def _flush(stream: Any) -> None:
    """A stream that the app has told to keep text back, or what it has put in its place.

    That may be nothing, or an object that can only `write`: it must not fail the function.
    """
    try:
        if not stream.closed:
            stream.flush()
    except Exception:
        return


class _Handler(logging.Handler):
    def __init__(self, emit: Emit) -> None:
        super().__init__()
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception as error:  # a record whose arguments don't fit its format must not fail the function
            text = f"{record.msg!r} (a log record that can't be formatted: {error})"
        self._emit(_level(record.levelno), _valid(record.name), _valid(text), _invocation_id)


def _valid(text: str) -> str:
    """Text that UTF-8 can carry: a lone surrogate, as in a file's name that is none of UTF-8, must not fail the function."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _level(number: int) -> Level:
    for threshold, level in _LEVELS:
        if number >= threshold:
            return level
    return Level.TRACE


class _Printed(io.BufferedIOBase):
    """A standard stream whose lines are log records.

    It has no buffer before it: looking there after each invocation costs more than being called for each piece of a line.
    """

    def __init__(self, emit: Emit, level: Level, name: str) -> None:
        self._emit = emit
        self._level = level
        self._line = bytearray()
        self.name = name

    @property
    def raw(self) -> "_Printed":
        return self

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1 if self.name == "stdout" else 2

    def write(self, data: bytes) -> int:  # type: ignore[override]
        global _unfinished
        if type(data) is not bytes:
            data = bytes(memoryview(data))
        end = data.rfind(b"\n") + 1
        if end:
            line, self._line = self._line, bytearray()
            self._send(line + data[: end - 1])
        if end < len(data):
            self._line += data[end:]
            _unfinished = True
        return len(data)

    def finish_line(self) -> None:
        if self._line:
            line, self._line = self._line, bytearray()
            self._send(line)

    def _send(self, line: bytearray) -> None:
        text = line.decode("utf-8", "backslashreplace")
        if _MARK in text:
            text = "\n".join(part.removeprefix(_MARK).lstrip() if part.startswith(_MARK) else part for part in text.split("\n"))
        self._emit(self._level, self.name, text, _invocation_id)


def _text(printed: _Printed) -> io.TextIOWrapper:
    return io.TextIOWrapper(printed, encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=True)
