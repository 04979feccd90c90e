"""The app's settings: what `os.environ` holds.

An app's memory may be kept on disk, where no setting may be. So it is loaded without settings first, and what it reads meanwhile is noted:
an app that reads none that is set can have them later.
"""

import os
from collections.abc import Iterator, Mapping

ALL = "*"
"""Stands for all names: somebody looked at all of them."""

_given: dict[str, str] = {}


class _Variables(dict[bytes, bytes]):
    """What is behind `os.environ`, while an app is loaded."""

    def __init__(self, variables: dict[bytes, bytes]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def __getitem__(self, name: bytes) -> bytes:
        self.names.add(os.fsdecode(name))
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[bytes]:
        self.names.add(ALL)
        return super().__iter__()

    def __len__(self) -> int:
        self.names.add(ALL)
        return super().__len__()


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
    """Around the load of an app: `names` are those that it read."""

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
    def names(self) -> list[str]:
        return sorted(self._noting.names)


def _set_data(data: dict[bytes, bytes]) -> None:
    for environ in (os.environ, os.environb):
        environ._data = data  # type: ignore[attr-defined]
