"""Finds the functions of programming model v2: those of the one `FunctionApp` in the app's entry file.

Module name, rules and the words of errors follow Microsoft's worker. The decorators' values are handed on as the SDK has them: what they
mean is the host's business.
"""

import importlib
import inspect
import json
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.decorators.utils import StringifyEnumJsonEncoder

from . import loader
from .model import Binding, FunctionSource, LoadError

_DIRECTIONS = ("in", "out", "inout")
_DATA_TYPES = ("undefined", "text", "binary", "stream")
_STRATEGIES = {"fixed_delay": "fixedDelay", "exponential_backoff": "exponentialBackoff"}
"""The SDK's names of retry strategies, as function.json has them."""
_RETRY_FIELDS = {
    "max_retry_count": "maxRetryCount",
    "delay_interval": "delayInterval",
    "minimum_interval": "minimumInterval",
    "maximum_interval": "maximumInterval",
}
_BACKOFF_DEFAULTS = {"minimumInterval": "00:00:00", "maximumInterval": "24855.03:14:07"}
"""The decorator's intervals may be left out, those of function.json may not: none, and 2**31 - 1 seconds, as in Microsoft's worker."""


@dataclass
class Found:
    """A function, as its decorators describe it."""

    name: str
    call: Callable[..., Any]
    _function: func.Function
    _entry_file: str

    def definition(self) -> str:
        """What its function.json would say. Raises what JSON can't say."""
        described: dict[str, Any] = {
            "scriptFile": pathlib.PurePosixPath(self._entry_file).name,
            "entryPoint": self.name,
            **self._function.get_bindings_dict(),
        }
        if retry := self._function.get_settings_dict("retry_policy"):
            described["retry"] = _retry(retry)
        return json.dumps(described, cls=StringifyEnumJsonEncoder, allow_nan=False)

    def source(self) -> FunctionSource:
        """The same for the check of its parameters."""
        bindings = [
            Binding(binding.name, binding.type, _DIRECTIONS[binding.direction], _DATA_TYPES[binding.data_type or 0])
            for binding in self._function.get_bindings()
        ]
        directory = str(pathlib.PurePosixPath(_file(self.call, self._entry_file)).parent)
        return FunctionSource(self.name, directory, self._entry_file, self.name, bindings, declared_in="its decorators")


def find(entry_file: str) -> list[Found]:
    """Imports the entry file. Raises what that raises, and `LoadError` where the functions in it make no app."""
    app = _app(_import(entry_file), entry_file)
    try:
        functions = app.get_functions()
    except ValueError as error:
        raise LoadError(str(error)) from None  # the SDK's sentence says it all: no trigger, a name twice
    return [Found(str(function.get_function_name()), function.get_user_function(), function, entry_file) for function in functions]


def _import(entry_file: str) -> Any:
    name = pathlib.PurePosixPath(entry_file).stem
    with loader.advice():
        module = importlib.import_module(name)
    if getattr(module, "__file__", None) != entry_file:
        place = getattr(module, "__file__", None) or "the interpreter itself"
        raise LoadError(
            f"{pathlib.PurePosixPath(entry_file).name} can't be imported, as the module {name} is {place}: rename the file, and name it in "
            "the setting PYTHON_SCRIPT_FILE_NAME"
        )
    return module


def _app(module: Any, entry_file: str) -> func.FunctionRegister:
    """The module's one function app. A second name for the same is no second one."""
    file = pathlib.PurePosixPath(entry_file).name
    # `isinstance` would run code of mocks and proxies.
    apps = {id(thing): (name, thing) for name, thing in vars(module).items() if issubclass(type(thing), func.FunctionRegister)}
    if len(apps) > 1:
        names = " and ".join(name for name, _ in apps.values())
        raise LoadError(
            f"More than one FunctionApp or other top level function app instances are defined in {file}: {names}. Keep one of them; "
            "functions from elsewhere belong in a Blueprint, for its register_functions()"
        )
    if not apps:
        sentence = f"Could not find top level function app instances in {file}. Add `app = func.FunctionApp()` and decorate with it"
        blueprints = [name for name, thing in vars(module).items() if issubclass(type(thing), func.Blueprint)]
        if blueprints:
            sentence += f"; the Blueprint {blueprints[0]} counts once it is registered: app.register_functions({blueprints[0]})"
        raise LoadError(sentence)
    return next(app for _, app in apps.values())


def _file(call: Callable[..., Any], entry_file: str) -> str:
    try:
        return inspect.getfile(inspect.unwrap(call))
    except (TypeError, ValueError):  # a callable object, or one that is built in
        return entry_file


def _retry(settings: dict[str, Any]) -> dict[str, Any]:
    strategy = settings.get("strategy")
    defaults = _BACKOFF_DEFAULTS if strategy == "exponential_backoff" else {}
    given = {name: settings[field] for field, name in _RETRY_FIELDS.items() if settings.get(field) is not None}
    return {"strategy": _STRATEGIES.get(str(strategy), strategy)} | defaults | given
