"""Inputs that are too large to be handed over at once: the SDK's `InputStream` over content that stays with the host."""

import io
from collections.abc import Callable, Mapping
from typing import Protocol

from azure.functions.blob import BlobConverter, InputStream
from azure.functions.meta import Datum

KIND = "stream"
"""The type of a datum whose value is a `Source`."""

_PIECE = 4 << 20
"""Bytes that are asked for at a time where all are wanted."""
_BUFFER = 1 << 16
"""Bytes that are fetched ahead of small reads."""


class Content(Protocol):
    """What the host has."""

    def read(self, offset: int, length: int) -> bytes:
        """At most so many bytes; none only at the end."""


class Source:
    """A stream that is opened when the first byte is wanted."""

    def __init__(self, length: int, open_content: Callable[[], Content]) -> None:
        self.length = length
        self._open = open_content
        self._content: Content | None = None

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self.length or length == 0:
            return b""
        if self._content is None:
            self._content = self._open()
        return self._content.read(offset, length)

    def read_all(self) -> bytes:
        return _File(self).readall()


class _File(io.RawIOBase):
    """A source as a file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._source.read(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """In large pieces into one buffer: the default grows it in small steps."""
        whole = bytearray()
        while piece := self._source.read(self._at, _PIECE):
            whole += piece
            self._at += len(piece)
        return bytes(whole)


def input_stream(source: Source, trigger_metadata: Mapping[str, Datum]) -> InputStream:
    """The SDK's `InputStream`, that reads as it is read from."""
    stream = BlobConverter.decode(Datum(b"", "bytes"), trigger_metadata=trigger_metadata)
    stream._io = io.BufferedReader(_File(source), _BUFFER)
    if stream._length is None:
        stream._length = source.length
    return stream
