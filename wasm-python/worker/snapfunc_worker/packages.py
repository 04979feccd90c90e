"""An app's third-party packages beside those that came along with the SDK."""

import os
import sys
import warnings
from typing import TextIO

_BROUGHT_ALONG = ("markupsafe", "tzdata", "werkzeug")
"""Imported already, for the SDK; an app may have others of these names."""
_NAMESPACES = ("azure",)
"""Packages without code of their own, of which the SDK is a part."""


def prefer(paths: list[str]) -> None:
    """Lets an app import its own packages in place of those that came along. The SDK keeps what it has."""
    own = {package for package in _BROUGHT_ALONG if any(os.path.isdir(os.path.join(path, package)) for path in paths)}
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]


def join_namespaces(paths: list[str]) -> None:
    """A package with an `azure/__init__.py`, as old ones have it, would be hidden by the `azure` that the SDK has in memory already."""
    for name in _NAMESPACES:
        folders = [folder for path in paths if os.path.isdir(folder := os.path.join(path, name))]
        module = sys.modules.get(name)
        if module is not None and any(os.path.isfile(os.path.join(folder, "__init__.py")) for folder in folders):
            module.__path__ = [*folders, *(entry for entry in module.__path__ if entry not in folders)]


def hide_syntax_warnings(paths: list[str]) -> None:
    """Those of packages are shown to nobody elsewhere, as pip compiles what it installs. Here they are compiled when they are imported.

    A filter can't do this: what it is asked for while a module is compiled is the name of whoever imports.
    """
    prefixes = tuple(os.path.join(path, "") for path in paths)
    if not prefixes:
        return
    show = warnings.showwarning

    def showwarning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
    ) -> None:
        if not (issubclass(category, SyntaxWarning) and filename.startswith(prefixes)):
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = showwarning
