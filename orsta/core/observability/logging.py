"""Structured logs: one JSON object a line, with the trace id, without secrets."""

import logging
import re
from typing import Any

import structlog

from orsta.core.observability import tracing

REDACTED = "[redacted]"
_SECRET_NAMES = re.compile(
    r"pass(word|wd|key)|secret|token|api_?key|eakey|authorization|cookie|^text$|message_text|"
    r"phone|^to$|^from$|challenge|^qr|proxy",
    re.IGNORECASE,
)
_SECRET_VALUES = re.compile(
    r"\bor[kstrpli]_[A-Za-z0-9_]{8,}"  # our own credentials
    r"|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"
    r"|https://wa\.me/settings/linked_devices\S*|\b\d@[\w+/=]{20,}\S*"  # pairing codes
    r"|\b\d{7,20}(?:-\d+)?(?:[:.]\d+)*@[a-z.]+"  # JIDs of people, devices and groups
    r"|(?<![\w.-])\+?\d{9,15}(?![\w-])|\+\d[\d ()-]{7,18}\d"  # phone numbers
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # a password in an address
)
# The keys that logging itself sets: their names are no reason to blank them.
_FRAME = frozenset({"event", "level", "logger"})
_UNTOUCHED = frozenset({"timestamp", "trace_id", "_record", "_from_structlog"})


def redact(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blank what a log may not hold, by the name of the field and by the look of the value."""
    event.pop("request", None)  # Django's own loggers attach it; its repr shows the query
    for name, value in event.items():
        if name not in _UNTOUCHED:
            event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if name not in _FRAME and _SECRET_NAMES.search(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _SECRET_VALUES.sub(REDACTED, str(value))


def add_trace_id(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Add the current trace id, if there is one."""
    if trace_id := tracing.current():
        event["trace_id"] = trace_id
    return event


_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    add_trace_id,
    structlog.processors.format_exc_info,
    redact,
]


def formatter() -> logging.Formatter:
    """Return the formatter of every handler; `settings.LOGGING` names this function."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(sort_keys=False),
        ],
    )
