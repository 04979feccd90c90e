"""Fills the holes in the interpreter's heap, so that what invocations allocate lies close together.

After an app's import the heap is full of holes, and new objects take those that fit best, wherever they are. An invocation would write to
hundreds of pages, each of which an instance must then have as its own. With the holes filled, new objects come from one free region.
"""

import sys

_REGION = 512 << 10
"""Bytes. What a usual invocation needs at a time, and more."""
_SIZES = (*(1 << power for power in range(16, 8, -1)), *range(258, 0, -8))
"""Bytes. Large holes take what is smaller. For small ones the allocator has a list for each size, in steps of eight."""
_NUMBERS = 100
"""As many integers that nobody uses any more are kept by the interpreter for later ones."""

_ballast: list[object] = []
"""What fills the holes, for ever."""


def fill() -> None:
    """Allocates ever smaller objects until no hole takes one. What begins beyond the region is in no hole."""
    if sys.platform != "wasi":
        return  # only there the C library's allocator (dlmalloc) has it all, in one piece of memory that grows upwards
    region = bytes(_REGION)
    for size in _SIZES:
        while id(thing := bytes(size)) < id(region):
            _ballast.append(thing)
    while id(thing := object()) < id(region):
        _ballast.append(thing)
    del region
    # The addresses above are integers that came from holes: others come before them now.
    list(range(1 << 20, (1 << 20) + _NUMBERS))
