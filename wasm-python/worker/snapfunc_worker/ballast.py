"""Fills the holes in the interpreter's heap, so that what invocations allocate lies close together.

After an app's import the heap is full of holes, and new objects take those that fit best, wherever they are. An invocation would write to
hundreds of pages, each of which an instance must then have as its own. With the holes filled, new objects come from one free region.
"""

import sys

_REGION = 512 << 10
"""Bytes. What a usual invocation needs at a time, and more."""
_LARGEST = 64 << 10
_SMALLEST = 32

_ballast: list[object] = []
"""What fills the holes, for ever."""


def fill() -> None:
    """Allocates ever smaller objects until no hole takes one. What begins beyond the region is in no hole."""
    if sys.platform != "wasi":
        return  # only there the C library's allocator (dlmalloc) has it all, in one piece of memory that grows upwards
    region = bytes(_REGION)
    size = _LARGEST
    while size >= _SMALLEST:
        while id(thing := bytes(size)) < id(region):
            _ballast.append(thing)
        size //= 2
    # The smallest objects that are not shared.
    while id(thing := bytes(2)) < id(region):
        _ballast.append(thing)
    while id(thing := object()) < id(region):
        _ballast.append(thing)
