"""The app's settings: what `os.environ` holds.

An app's memory may be kept on disk, where no setting may be. So it is loaded without settings first, and what it reads meanwhile is noted:
an app that reads none that is set can have them later.
"""

import os
import sys
from collections.abc import Iterator, Mapping

ALL = "*"
"""Stands for all names: somebody looked at all of them."""

_given: dict[str, str] = {}


class _Variables(dict[bytes, bytes]):
    """What is behind `os.environ`, while an app is loaded."""

    def __init__(self, variables: dict[bytes, bytes]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()
        self.written: set[str] = set()
        self.readers: set[str] = set()

    def __getitem__(self, name: bytes) -> bytes:
        self.names.add(os.fsdecode(name))
        value = super().__getitem__(name)
        self.readers.update(_importing())
        return value

    def __setitem__(self, name: bytes, value: bytes) -> None:
        self.written.add(os.fsdecode(name))
        super().__setitem__(name, value)

    def __delitem__(self, name: bytes) -> None:
        self.written.add(os.fsdecode(name))
        super().__delitem__(name)

    def __iter__(self) -> Iterator[bytes]:
        self._look_at_all()
        return super().__iter__()

    def __len__(self) -> int:
        self._look_at_all()
        return super().__len__()

    def _look_at_all(self) -> None:
        self.names.add(ALL)
        self.readers.update(_importing())


def _importing() -> Iterator[str]:
    """The modules that are being imported."""
    frame = sys._getframe()
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        if frame.f_code.co_name == "<module>" and isinstance(name := frame.f_globals.get("__name__"), str):
            yield name


def replace(settings: Mapping[str, str]) -> None:
    """`os.environ` holds the settings and nothing else."""
    _given.clear()
    _given.update(settings)
    os.environ.clear()
    os.environ.update(_given)


def add(settings: Mapping[str, str]) -> None:
    """Settings that come after the app was loaded. What the app has set itself stays."""
    for name, value in settings.items():
        if os.environ.get(name) == _given.get(name):
            os.environ[name] = value


class Noting:
    """Around the load of an app."""

    def __enter__(self) -> "Noting":
        self._before: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
        self._noting = _Variables(self._before)
        _set_data(self._noting)
        return self

    def __exit__(self, *_: object) -> None:
        self._before.clear()
        self._before.update(dict.items(self._noting))
        _set_data(self._before)

    @property
    def names(self) -> set[str]:
        """Those that it looked for."""
        return self._noting.names

    @property
    def written(self) -> set[str]:
        """Those that it set or deleted."""
        return self._noting.written

    @property
    def readers(self) -> set[str]:
        """The modules during whose import it read one that was there."""
        return self._noting.readers


def _set_data(data: dict[bytes, bytes]) -> None:
    for environ in (os.environ, os.environb):
        environ._data = data  # type: ignore[attr-defined]
