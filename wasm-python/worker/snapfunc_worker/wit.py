"""The worker as a WebAssembly component: the only module that knows the generated bindings of `host-api.wit`.

componentize-py makes the component from this module: it looks for the class `Worker` here. Importing it also warms what every app needs
(see `preload`), because the interpreter's memory is kept after the import.
"""

import functools
from typing import Any

from azure.functions.meta import Datum
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import worker as wit_worker
from wit_world.imports import logging as wit_logging
from wit_world.imports import streams as wit_streams
from wit_world.imports import tls as wit_tls
from wit_world.imports import types as wit

from . import convert, environment, gathering, lasting, logs, loop, preload, snapshot, streams
from .absent import connection, tls
from .model import App, Beginning, Binding, Configuration, Failure, FunctionSource, Invocation, Level, Outcome, Preloadable
from .worker import Worker as _Worker

preload.run()
loop.install()

_LEVELS = list(wit_logging.Level)
_DIRECTIONS = ("in", "out", "inout")
_DATA_TYPES = ("undefined", "text", "binary", "stream")


def _emit(level: Level, logger: str, text: str, invocation_id: str | None) -> None:
    wit_logging.log(wit_logging.LogRecord(_LEVELS[level], logger, text, invocation_id))


logs.install(_emit)


class _Session:
    """TLS that the host does."""

    def __init__(self, session: wit_tls.Session) -> None:
        self._session = session

    def receive(self, data: bytes) -> tuple[bytes, bytes, bool, bool]:
        try:
            progress = self._session.receive(data)
        except Err as error:
            raise _tls_failure(error.value) from None
        return progress.plain, progress.reply, progress.handshaking, progress.closed

    def send(self, data: bytes) -> bytes:
        try:
            return self._session.send(data)
        except Err as error:
            raise _tls_failure(error.value) from None

    def close(self) -> bytes:
        return self._session.close()

    def about(self) -> tuple[str | None, str, str | None, list[bytes]]:
        about = self._session.about()
        return about.version, about.cipher, about.protocol, about.certificates


def _tls_failure(failure: wit_tls.Failure) -> connection.Failure:
    return connection.Failure(failure.message, failure.certificate, failure.reply)


def _open_tls(settings: connection.Settings) -> connection.Session:
    kind = wit_tls.Verification
    verification = kind.NOTHING if not settings.verify_mode else kind.NAME if settings.check_hostname else kind.CHAIN
    try:
        return _Session(
            wit_tls.open(
                wit_tls.Settings(
                    settings.server_name,
                    verification,
                    settings.default_roots,
                    settings.roots,
                    settings.identity,
                    settings.protocols,
                    settings.tls12,
                    settings.tls13,
                )
            )
        )
    except Err as error:
        raise connection.Failure(error.value) from None


tls.opener = _open_tls


class Worker(exports.Worker):
    """The exports of the contract's `worker`."""

    _worker = _Worker()

    def configure(self, configuration: wit_worker.Configuration) -> None:
        self._worker.configure(_configuration(configuration))

    def preload(self, app: wit_worker.App, wanted: wit_worker.Preloadable) -> list[str]:
        result = self._worker.preload(_app(app), Preloadable(wanted.modules, wanted.others))
        if isinstance(result, Failure):
            raise Err(_failure(result))
        return [_valid(name) for name in result]

    def load(self, app: wit_worker.App) -> wit_worker.LoadedApp:
        loaded = self._worker.load(_app(app))
        functions = [
            wit_worker.LoadedFunction(_valid(function.name), function.definition, function.error and _failure(function.error))
            for function in loaded.functions
        ]
        error = loaded.entry_file_error and _failure(loaded.entry_file_error)
        modules, others = ([_valid(name) for name in names] for names in (loaded.preloadable.modules, loaded.preloadable.others))
        return wit_worker.LoadedApp(
            functions,
            error,
            [_valid(name) for name in loaded.settings_read],
            wit_worker.Preloadable(modules, others),
            loaded.disagreement and _valid(loaded.disagreement),
        )

    def prepare_snapshot(self) -> list[str]:
        return [_valid(text) for text in self._worker.prepare_snapshot()]

    def lasting_objects(self) -> list[int]:
        return lasting.addresses(logs.streams())

    def invoke(self, invocation: wit_worker.Invocation) -> wit_worker.Outcome:
        result = self._worker.invoke(
            Invocation(
                id=invocation.id,
                function_name=invocation.function_name,
                beginning=invocation.beginning and _beginning(invocation.beginning),
                traceparent=invocation.trace.traceparent,
                tracestate=invocation.trace.tracestate,
                retry=invocation.retry,
                trigger_metadata={name: _from_wit(datum) for name, datum in invocation.trigger_metadata},
                inputs={name: _input(name, datum) for name, datum in invocation.inputs},
            )
        )
        if isinstance(result, Failure):
            raise Err(_failure(result))
        return _outcome(result)


def _configuration(configuration: wit_worker.Configuration) -> Configuration:
    return Configuration(_pairs(configuration.settings), Level(configuration.log_level.value))


def _beginning(beginning: wit_worker.Beginning) -> Beginning:
    return Beginning(beginning.entropy, beginning.configuration and _configuration(beginning.configuration))


def _app(app: wit_worker.App) -> App:
    return App(app.root, app.package_paths, [_source(function) for function in app.functions], app.entry_file)


def _source(function: wit_worker.FunctionSource) -> FunctionSource:
    bindings = [
        Binding(binding.name, binding.kind, _DIRECTIONS[binding.direction.value], _DATA_TYPES[binding.data_type.value])
        for binding in function.bindings
    ]
    return FunctionSource(function.name, function.directory, function.script_file, function.entry_point, bindings)


def _failure(failure: Failure) -> wit.Failure:
    return wit.Failure(_valid(failure.kind), _valid(failure.message), _valid(failure.stack))


def _valid(text: str) -> str:
    """Text that UTF-8 can carry: a lone surrogate in an exception's message must not hide it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _outcome(outcome: Outcome) -> wit_worker.Outcome:
    try:
        returned = wit.Datum_None_() if outcome.return_value is None else _to_wit(outcome.return_value)
        return wit_worker.Outcome(returned, [(name, _to_wit(datum)) for name, datum in outcome.outputs])
    except Exception as error:  # a response whose parts are not what they should be is the function's failure
        raise Err(wit.Failure(type(error).__name__, str(error), str(error))) from None


def _http(request: wit.HttpRequest) -> Datum:
    query, route = _pairs(request.query), _pairs(request.route_params)
    headers = functools.partial(_pairs, request.headers)
    return Datum(convert.http_request(request.method, request.url, headers, query, route, request.body), "http")


def _pairs(pairs: wit.JoinedPairs) -> dict[str, str]:
    if type(pairs) is wit.JoinedPairs_Apart:
        return dict(pairs.value)
    if not pairs.value:
        return {}
    texts = iter(pairs.value.split("\0"))
    return dict(zip(texts, texts, strict=False))  # the last text, behind the last sign, has no partner


_TYPES: dict[type, str] = {
    wit.Datum_Text: "string",
    wit.Datum_Json: "json",
    wit.Datum_Bytes: "bytes",
    wit.Datum_Int: "int",
    wit.Datum_Float: "double",
    wit.Datum_CollectionText: "collection_string",
    wit.Datum_CollectionBytes: "collection_bytes",
    wit.Datum_CollectionInt: "collection_sint64",
    wit.Datum_CollectionFloat: "collection_double",
}
_CASES: dict[str | None, Any] = {name: case for case, name in _TYPES.items()}


def _input(name: str, datum: wit.Datum) -> Datum:
    if type(datum) is wit.Datum_Stream:
        return Datum(streams.Source(datum.value, lambda: _open(name)), streams.KIND)
    return _from_wit(datum)


def _open(name: str) -> streams.Content:
    """Failures of the host are `OSError`s in Python."""
    try:
        return _Content(wit_streams.open(name))
    except Err as error:
        raise OSError(error.value) from None


class _Content:
    """A stream of the host's."""

    def __init__(self, content: wit_streams.Content) -> None:
        self._content = content

    def read(self, offset: int, length: int) -> bytes:
        try:
            return self._content.read(offset, length)
        except Err as error:
            raise OSError(error.value) from None


def _from_wit(datum: wit.Datum) -> Datum:
    if type(datum) is wit.Datum_HttpRequest:
        return _http(datum.value)
    kind = _TYPES.get(type(datum))
    return convert.NOTHING if kind is None else Datum(datum.value, kind)  # type: ignore[union-attr]


def _to_wit(datum: Datum) -> wit.Datum:
    if datum.type == "http":
        return wit.Datum_HttpResponse(_response(datum.value))
    if datum.value is None or datum.type is None:
        return wit.Datum_None_()
    return _CASES[datum.type](datum.value)


def _response(parts: convert.HttpResponse) -> wit.HttpResponse:
    cookies = [
        wit.Cookie(**known) for cookie in parts.cookies for morsel in cookie.values() if (known := convert.cookie_parts(morsel)) is not None
    ]
    status = parts.status
    if type(status) is not int:
        status = int(str(status))  # by way of its text, as the SDK does it
    if not 100 <= status <= 999:
        raise ValueError(f"{status} is no HTTP status code")
    return wit.HttpResponse(status, list(parts.headers.items()), cookies, parts.body)


def _warm_up() -> None:
    """As the host does it later (`src/sandbox/warm_up.rs`), each way as often: the interpreter notes which way branches go."""
    settings = wit.JoinedPairs_Joined("SNAPFUNC_WARM_UP\0value\0")
    beginning = wit_worker.Beginning(bytes(32), wit_worker.Configuration(settings, wit_logging.Level.INFORMATION))
    nothing, pairs, echo = (wit.JoinedPairs_Joined(text) for text in ("", "name\0value\0more\0value\0", "echo\0value\0"))
    for method, headers, query, body in (("GET", nothing, nothing, b""), ("GET", pairs, pairs, b""), ("POST", pairs, echo, b"{}")):
        request = wit.Datum_HttpRequest(wit.HttpRequest(method, "http://localhost/", headers, query, headers, body))
        for first in (beginning, None):
            trace = wit_worker.TraceContext("", "")
            Worker().invoke(wit_worker.Invocation("", "", first, trace, None, [], [("request", request)]))
    environment.replace({})
    snapshot.restored()


# The copies run for the first time when an app was loaded (`src/sandbox/preparation.rs`).
gathering.gather(_warm_up)
snapshot.settle()
