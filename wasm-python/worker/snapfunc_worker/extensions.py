"""Worker extensions: what third-party libraries do around an app's functions.

They register with the SDK when a script imports them (`AppExtensionBase`) or makes one (`FuncExtensionBase`). When they are called,
in which order, and that one's failure stops nothing, is as in Microsoft's worker; so is the setting that turns them on.
"""

import logging
import os
from collections.abc import Callable
from typing import Any

import azure.functions as func
from azure.functions.extension import ExtensionMeta

from .model import Function

SETTING = "PYTHON_ENABLE_WORKER_EXTENSIONS"
_TRUE = ("1", "true", "t", "yes", "y")

_on = False


def look() -> None:
    """After an app was imported: whether there are extensions, and its settings want them called."""
    global _on
    registered = bool(ExtensionMeta._func_exts) or ExtensionMeta.get_application_hooks() is not None
    _on = registered and os.environ.get(SETTING, "").lower() in _TRUE


def are_on() -> bool:
    """Whether any may have to be called around an invocation."""
    return _on


def after_load(function: Function) -> None:
    """Tells them of a function that was loaded."""
    for hook in _hooks(function.name, "post_function_load"):
        _safely(hook, function.name, function.directory)


def around(function: Function, context: func.Context) -> Callable[..., Any]:
    """The function, to be called in its place: with what they do before and after it. After a failure there is no after."""
    if function.is_async:

        async def with_hooks(**arguments: Any) -> Any:
            _before(context, arguments)
            returned = await function.call(**arguments)
            _after(context, arguments, returned)
            return returned
    else:

        def with_hooks(**arguments: Any) -> Any:
            _before(context, arguments)
            returned = function.call(**arguments)
            _after(context, arguments, returned)
            return returned

    return with_hooks


def _before(context: func.Context, arguments: dict[str, Any]) -> None:
    for hook in _hooks(context.function_name, "pre_invocation", app_first=True):
        _safely(hook, _logger(hook), context, arguments)


def _after(context: func.Context, arguments: dict[str, Any], returned: Any) -> None:
    for hook in _hooks(context.function_name, "post_invocation"):
        _safely(hook, _logger(hook), context, arguments, returned)


def _hooks(function_name: str, name: str, app_first: bool = False) -> list[Any]:
    """The hooks of a name: those of the function's own extensions, and those for all functions."""
    own = list(getattr(ExtensionMeta.get_function_hooks(function_name), name, ()))
    of_the_app = list(getattr(ExtensionMeta.get_application_hooks(), f"{name}_app_level", ()))
    return of_the_app + own if app_first else own + of_the_app


def _logger(hook: Any) -> logging.Logger:
    return logging.getLogger(f"azure_functions_worker.extension.{hook.ext_name}")


def _safely(hook: Any, *arguments: Any) -> None:
    try:
        hook.ext_impl(*arguments)
    except Exception as error:
        _logger(hook).error(error, exc_info=True)
