"""What WASI lacks says so, and only when it is used: importing a library that could use threads or TLS must not fail.

`install()` comes before anything imports asyncio or http.client, and the SDK imports both: they decide at their import whether there is an
`ssl`. Hence it is called where the package begins.
"""

import sys

from . import clocks, hashes, modules


def install(force: bool = False) -> None:
    """Puts the stand-ins in place of what is missing, and of nothing else.

    `force` treats everything as missing. It is for tests, in a process of their own: there is no way back.
    """
    modules.install(force)
    hashes.install(force)
    clocks.install(force)
    if force or sys.platform == "wasi":
        from . import parallel, third_party  # import asyncio

        parallel.install()
        third_party.install()


is_explained = modules.is_explained
