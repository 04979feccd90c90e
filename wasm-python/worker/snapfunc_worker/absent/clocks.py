"""What `time` lacks: WASI's C library knows neither zones of local time nor clocks of threads."""

import time
from typing import NoReturn

NO_LOCAL_TIME = "local time is UTC in the sandbox. Ask for a zone instead: datetime.now(zoneinfo.ZoneInfo('Europe/Paris'))"


def _explain_missing(name: str) -> NoReturn:
    """The `__getattr__` of `time`."""
    reason = f": {NO_LOCAL_TIME}" if name == "tzset" else ""
    raise AttributeError(f"module 'time' has no attribute {name!r}{reason}", name=name, obj=time)


def install(force: bool) -> None:
    """The one thread's clock is the process's; `tzset` stays missing, with the reason, as libraries ask whether it is there."""
    if force:
        for name in ("thread_time", "thread_time_ns", "tzset"):
            vars(time).pop(name, None)
    if not hasattr(time, "thread_time"):
        time.thread_time, time.thread_time_ns = time.process_time, time.process_time_ns
    if not hasattr(time, "tzset"):
        time.__getattr__ = _explain_missing  # type: ignore[attr-defined]
