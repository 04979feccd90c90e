"""Shared by the worker's native tests."""

import importlib
import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def app_folder(tmp_path, monkeypatch):
    """An empty app; what importing it leaves in the interpreter is undone."""
    path, modules, folder = list(sys.path), set(sys.modules), os.getcwd()
    yield tmp_path
    os.chdir(folder)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def write(app_folder):
    """Writes a file of the app."""

    def write(name: str, text: str) -> Path:
        file = app_folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write
