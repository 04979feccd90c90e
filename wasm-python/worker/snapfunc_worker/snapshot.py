"""Before the interpreter's memory is copied, and after.

A copy has the memory and nothing else: what lives outside it (open files, sockets) is lost, and what was drawn at random is the same in
each.
"""

import gc
import io
import random
import socket

import snapfunc

from . import ballast

_LAST_STANDARD_STREAM = 2
"""Each instance has standard streams, under the same numbers."""


def settle() -> None:
    """Keeps what is alive now out of later collections, which then don't write to its pages, and fills the holes between."""
    gc.collect()
    ballast.fill()
    gc.freeze()


def prepare() -> list[str]:
    """Runs the app's hooks, tidies up, and says what of the app no copy can have."""
    obstacles = [text for hook in snapfunc.before_snapshot_hooks if (text := _run(hook)) is not None]
    gc.collect()
    obstacles += _open_handles()
    settle()
    return obstacles


def seed(entropy: bytes) -> None:
    """What must differ between copies."""
    # An integer, as bytes would be hashed first, which costs more than the seeding.
    random.seed(int.from_bytes(entropy))


def restored() -> None:
    """Runs the app's hooks in an instance that begins its life. Raises what they raise."""
    for hook in snapfunc.after_restore_hooks:
        hook()


def _run(hook: snapfunc.Hook) -> str | None:
    try:
        hook()
    except Exception as error:
        return f"the before_snapshot hook {getattr(hook, '__qualname__', hook)} raised {type(error).__name__}: {error}"
    return None


def _open_handles() -> list[str]:
    found = []
    for thing in gc.get_objects():
        # Looking at `__class__` would run code of mocks and proxies.
        kind = type(thing)
        if issubclass(kind, io.FileIO) and not thing.closed and thing.fileno() > _LAST_STANDARD_STREAM:
            found.append(f"the file {thing.name} is open")
        elif issubclass(kind, socket.socket) and thing.fileno() != -1:
            found.append("a socket is open")
    return found
