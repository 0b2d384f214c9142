"""Engine events as JSON, for the wire between a host and its runner."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.content import Media, MessageKind, ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_app.engines.events import EngineEvent

_EVENTS: dict[str, Any] = {
    name: kind for name, kind in vars(events).items() if is_dataclass(kind)
}


def pack(event: EngineEvent) -> tuple[str, dict[str, Any]]:
    """Return the event's name and its fields as JSON."""
    return type(event).__name__, _fields_of(event)


def unpack(name: str, data: dict[str, Any]) -> EngineEvent:
    """Return the event that `pack` took apart.

    :raises ValueError: there is no such event, or these are not its fields.
    """
    kind = _EVENTS.get(name)
    if kind is None:
        raise ValueError(f"There is no event {name!r}.")
    try:
        event: EngineEvent = _make(kind, data)
    except (TypeError, KeyError, AttributeError):  # without the data, which may be secret
        raise ValueError(f"These are not the fields of {name!r}.") from None
    return event


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _fields_of(value) if is_dataclass(value) else value


def _make(kind: Any, data: dict[str, Any]) -> Any:
    read = _READERS | ({"kind": ReceiptKind} if kind is events.ReceiptReceived else {})
    return kind(
        **{
            name: read[name](value) if name in read and value is not None else value
            for name, value in data.items()
        }
    )


# How a field is read, by its name: the same in every event.
_READERS: dict[str, Callable[[Any], Any]] = {
    "at": datetime.fromisoformat,
    "sent_at": datetime.fromisoformat,
    "expires_at": datetime.fromisoformat,
    "until": datetime.fromisoformat,
    "valid_for": lambda seconds: timedelta(seconds=seconds),
    "kind": MessageKind,
    "media": lambda data: Media(**data),
    "wa_ids": tuple,
    "messages": lambda rows: tuple(_make(events.MessageReceived, row) for row in rows),
}
