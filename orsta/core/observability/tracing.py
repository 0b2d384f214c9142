"""The trace id: one per request, task or frame, in every log line and problem document."""

import re
import secrets
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("trace_id", default="")
_ACCEPTED = re.compile(r"[A-Za-z0-9_-]{8,64}")


def current() -> str:
    """Return the trace id of what runs now, "" outside any."""
    return _current.get()


def start(proposed: str | None = None) -> str:
    """Begin a trace, with the caller's id if it is a sane one."""
    sane = proposed is not None and _ACCEPTED.fullmatch(proposed)
    trace_id = proposed if sane and proposed else secrets.token_hex(16)
    _current.set(trace_id)
    return trace_id
