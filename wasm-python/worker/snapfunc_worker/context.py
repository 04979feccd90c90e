"""What a function may know of its invocation: the SDK's abstract `Context`, filled in."""

import threading
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from .model import Function, Invocation, Pending

_local = threading.local()


@dataclass
class TraceContext(func._abc.TraceContext):
    """W3C trace context of the event that started the invocation."""

    _parent: str
    _state: str

    @property
    def trace_parent(self) -> str:
        return self._parent

    @property
    def trace_state(self) -> str:
        return self._state

    @property
    def Traceparent(self) -> str:  # noqa: N802 (the name in Microsoft's worker)
        return self._parent

    @property
    def Tracestate(self) -> str:  # noqa: N802
        return self._state

    @property
    def attributes(self) -> dict[str, str]:
        return {}


@dataclass
class RpcException(func._abc.RpcException):
    """Why the attempt before this one failed."""

    _failure: Any

    @property
    def source(self) -> str:
        return self._failure.kind

    @property
    def stack_trace(self) -> str:
        return self._failure.stack

    @property
    def message(self) -> str:
        return self._failure.message


@dataclass
class RetryContext(func._abc.RetryContext):
    """How often the invocation was tried. Without a retry policy it is the first time of one."""

    _retry: Pending | None

    @property
    def retry_count(self) -> int:
        return 0 if self._retry is None else self._retry.count

    @property
    def max_retry_count(self) -> int:
        return 0 if self._retry is None else self._retry.max_count

    @property
    def exception(self) -> RpcException | None:  # type: ignore[override]
        failure = None if self._retry is None else self._retry.last_failure
        return None if failure is None else RpcException(failure)


@dataclass
class Context(func.Context):
    """What a function may know of its invocation."""

    _function: Function
    _invocation: Invocation

    @property
    def invocation_id(self) -> str:
        return self._invocation.id

    @property
    def thread_local_storage(self) -> Any:
        return _local

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._function.directory

    @property
    def trace_context(self) -> TraceContext:
        return TraceContext(self._invocation.traceparent, self._invocation.tracestate)

    @property
    def retry_context(self) -> RetryContext:
        return RetryContext(self._invocation.retry)


def enter(invocation_id: str) -> None:
    """Puts the invocation's id where code without a context parameter finds it, as Microsoft's worker does."""
    _local.invocation_id = invocation_id
