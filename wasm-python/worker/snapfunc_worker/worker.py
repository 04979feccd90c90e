"""The worker: what the host can ask for, in Python's terms. One app, one call at a time."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from . import environment, extensions, failures, index_v2, invoke, loader, logs, preloaded, signature, snapshot, warmup
from .model import (
    App,
    Beginning,
    Configuration,
    Failure,
    Function,
    FunctionSource,
    Invocation,
    LoadedApp,
    LoadedFunction,
    LoadError,
    Outcome,
    Preloadable,
)


class Worker:
    """An app's functions, loaded or broken."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self._broken: dict[str, Failure] = {}
        self._preloaded: preloaded.Preloaded | None = None

    def configure(self, configuration: Configuration) -> None:
        """Gives the app its settings. `os.environ` holds the settings and nothing else."""
        environment.replace(configuration.settings)
        logs.set_level(configuration.log_level)

    def preload(self, app: App, wanted: Preloadable) -> list[str] | Failure:
        """Imports packages of an app that will be loaded later. Answers with the settings that they looked for."""
        os.chdir(app.root)
        try:
            self._preloaded = preloaded.Preloaded(app.root, app.package_paths, wanted)
        except BaseException as error:  # SystemExit too
            return failures.describe(error)
        finally:
            logs.end()
        return sorted(self._preloaded.settings_read)

    def load(self, app: App) -> LoadedApp:
        """Loads every function of an app; what is wrong with one is the answer for that one."""
        os.chdir(app.root)
        if self._preloaded is None:
            loader.set_up_packages(app.package_paths)
            handing_out: AbstractContextManager[None] = nullcontext()
        else:
            handing_out = self._preloaded.handing_out()
        loader.set_up_root(app.root, app.package_paths)
        before, asked = dict(sys.modules), preloaded.Asked()
        try:
            with environment.Noting() as noted, handing_out, preloaded.first(asked):
                functions = [self._load(source, app.root) for source in app.functions]
                error = None
                if app.entry_file is not None:
                    functions, error = self._load_entry_file(app.entry_file)
                # Here, so that the settings that they read are noted.
                self._tell_extensions()
                warmup.run(list(self._functions.values()))
            preloadable = preloaded.preloadable(before, app.package_paths, noted.readers, asked.names)
            if self._preloaded is None:
                return LoadedApp(functions, error, sorted(noted.names), preloadable, None)
            if self._preloaded.is_all_of(preloadable):
                preloadable = preloaded.NOTHING
            names = noted.names | self._preloaded.settings_read
            return LoadedApp(functions, error, sorted(names), preloadable, self._preloaded.disagreement(noted.written))
        finally:
            logs.end()

    def _tell_extensions(self) -> None:
        extensions.look()
        if extensions.are_on():
            for function in self._functions.values():
                extensions.after_load(function)

    def _load(self, source: FunctionSource, root: str) -> LoadedFunction:
        return LoadedFunction(source.name, self._keep(source.name, lambda: signature.check(source, loader.load_callable(source, root))))

    def _load_entry_file(self, entry_file: str) -> tuple[list[LoadedFunction], Failure | None]:
        try:
            found = index_v2.find(entry_file)
        except BaseException as error:
            return [], _load_failure(error)
        return [self._load_found(function) for function in found], None

    def _load_found(self, found: index_v2.Found) -> LoadedFunction:
        try:
            definition = found.definition()
        except Exception as error:
            self._broken[found.name] = failure = _load_failure(error)
            return LoadedFunction(found.name, failure)
        return LoadedFunction(found.name, self._keep(found.name, lambda: signature.check(found.source(), found.call)), definition)

    def _keep(self, name: str, load: Callable[[], Function]) -> Failure | None:
        try:
            self._functions[name] = load()
        except BaseException as error:  # whatever the script raised, SystemExit too, is this function's failure
            self._broken[name] = failure = _load_failure(error)
            return failure
        return None

    def prepare_snapshot(self) -> list[str]:
        """Makes the memory fit to be copied. Says what stands in the way."""
        try:
            return snapshot.prepare()
        finally:
            logs.end()

    def _begin(self, beginning: Beginning, function: Function) -> None:
        """Before the first invocation of an instance."""
        if beginning.configuration is not None:
            environment.add(beginning.configuration.settings)
            logs.set_level(beginning.configuration.log_level)
        snapshot.seed(beginning.entropy)
        # The worker's own function only warms up: no life begins.
        if function is not warmup.FUNCTION:
            snapshot.restored()

    def invoke(self, invocation: Invocation) -> Outcome | Failure:
        """Runs a function; what it raises is its failure."""
        # The one without a name is the worker's own, whatever an app calls its functions.
        function = self._functions.get(invocation.function_name) if invocation.function_name else warmup.FUNCTION
        if function is None:
            return self._broken.get(invocation.function_name) or _unknown(invocation.function_name)
        try:
            if invocation.beginning is not None:
                self._begin(invocation.beginning, function)
            return invoke.invoke(function, invocation)
        except BaseException as error:  # SystemExit and KeyboardInterrupt end the invocation, not the instance
            return failures.describe(error)


def _load_failure(error: BaseException) -> Failure:
    failure = failures.describe(error)
    if isinstance(error, LoadError):
        # The sentence says it all: the frames would be the worker's own.
        return Failure("FunctionLoadError", failure.message, failure.message)
    return failure


def _unknown(name: str) -> Failure:
    message = f"function {name!r} was not loaded (Python {sys.version.split()[0]})"
    return Failure("FunctionLoadError", message, message)
