"""What the worker's modules hand each other. The nouns are those of `host-api.wit`; `wit` translates where the two differ.

`Datum` is the SDK's own `azure.functions.meta.Datum`: the SDK's converters take and give it.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from azure.functions.meta import Datum


class Level(enum.IntEnum):
    """Severities of log records, in the order of the contract's `level`."""

    TRACE = 0
    DEBUG = 1
    INFORMATION = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


@dataclass
class Binding:
    """One binding of a function, as its function.json or its decorators say."""

    name: str
    kind: str
    direction: str
    """`in`, `out` or `inout`."""
    data_type: str = "undefined"
    """`undefined`, `text`, `binary` or `stream`."""


@dataclass
class FunctionSource:
    """Where a function is. Paths are absolute."""

    name: str
    directory: str
    script_file: str
    entry_point: str
    bindings: list[Binding]
    declared_in: str = "function.json"
    """Where the bindings are, for errors."""


@dataclass
class App:
    """What to load."""

    root: str
    package_paths: list[str]
    functions: list[FunctionSource]
    """Those of programming model v1."""
    entry_file: str | None = None
    """The Python file of programming model v2."""


@dataclass
class Failure:
    """An error raised by the app, or found in it."""

    kind: str
    message: str
    stack: str


@dataclass
class Configuration:
    """What an app's instances have in common beside the app."""

    settings: Mapping[str, str]
    log_level: Level


@dataclass
class LoadedFunction:
    """One function after loading."""

    name: str
    error: Failure | None
    definition: str | None = None
    """What its function.json would say, where it has none (model v2)."""


@dataclass
class Preloadable:
    """What of an app can be imported before the app."""

    modules: list[str]
    """In this order; empty where nothing is worth it."""
    others: list[str]
    """What was imported beside them: none of it may be asked for meanwhile."""


@dataclass
class LoadedApp:
    """What loading an app came to."""

    functions: list[LoadedFunction]
    entry_file_error: Failure | None
    """Why the entry file gave no functions."""
    settings_read: list[str]
    """The names that it looked for in `os.environ` meanwhile."""
    preloadable: Preloadable
    disagreement: str | None
    """Why the app would not have found its packages as they were preloaded."""


class LoadError(Exception):
    """A function or an entry file that can't be loaded, with a sentence that says why."""


@dataclass
class Parameter:
    """An input or output parameter of a function, after its annotation was checked against its binding."""

    binding: Binding
    annotation: type | None


@dataclass
class Function:
    """A function that can be invoked."""

    name: str
    directory: str
    call: Callable[..., Any]
    is_async: bool
    takes_context: bool
    inputs: dict[str, Parameter]
    outputs: dict[str, Parameter]
    returns: Parameter | None
    """The `$return` binding."""


class Pending(Protocol):
    """The attempt that a retry follows."""

    count: int
    max_count: int
    last_failure: Any


@dataclass
class Beginning:
    """What an instance needs before its first invocation."""

    entropy: bytes
    configuration: Configuration | None = None
    """Settings that were not there when the app was loaded."""


@dataclass
class Invocation:
    """One run of one function."""

    id: str
    function_name: str
    beginning: Beginning | None = None
    """In the first invocation of an instance."""
    traceparent: str = ""
    tracestate: str = ""
    retry: Pending | None = None
    trigger_metadata: Mapping[str, Datum] = field(default_factory=dict)
    inputs: Mapping[str, Datum] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a function that did not fail gave back."""

    return_value: Datum | None
    outputs: list[tuple[str, Datum]]
