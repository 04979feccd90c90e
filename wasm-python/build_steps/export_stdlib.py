"""Runs inside the guest's Python, at build time: copies its standard library out and compiles it.

componentize-py mounts the standard library at `/python` while it makes a component, and only then. The host mounts this copy there at run
time, so that modules can be imported late. The bytecode is compiled by the Python that will read it, and not checked against the source
again.
"""

import os
import py_compile
import shutil
import sys

SOURCE = "/python"
TARGET = "/0/python"
# What needs a screen, an installer or a compiler, and tests: nothing of it can run in the sandbox.
LEFT_OUT = {
    "__phello__", "config-3.14-wasm32-wasi", "ensurepip", "idlelib", "pydoc_data", "site-packages", "test", "tkinter", "turtledemo", "venv",
    "__pycache__",
}  # fmt: skip


def run() -> None:
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        target = TARGET + folder[len(SOURCE) :]
        os.makedirs(target, exist_ok=True)
        for name in files:
            _copy(f"{folder}/{name}", f"{target}/{name}")
    compile_tree("/0/packages", "/0")


def compile_tree(folder: str, shown_as: str) -> None:
    """Compiles every module below a folder, whose files will be at `shown_as` at run time."""
    for parent, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".py"):
                path = f"{parent}/{name}"
                _compile(path, shown_as + path[len(folder) :])


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    if target.endswith(".py"):
        _compile(target, source)


def _compile(path: str, shown_as: str) -> None:
    folder, name = os.path.split(path)
    bytecode = f"{folder}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"
    try:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(path, cfile=bytecode, dfile=shown_as, doraise=True, invalidation_mode=mode)
    except py_compile.PyCompileError:
        pass  # templates and test data that only look like modules


run()


class Worker:
    """Never called: componentize-py wants an implementation of the world."""
