"""Read what WuzAPI writes: two shapes of bodies, two casings of keys, ids of two types."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sessions_app import jids

_ENVELOPE = frozenset({"code", "success"})


def parse(body: bytes) -> Any:
    """Return the JSON of a body; None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the latter for a thousand brackets
        return None


def unwrap(parsed: Any) -> Any:
    """Return what an answer is about, whether it came in an envelope or bare.

    An envelope is `{"code", "success", "data"}`; some versions put JSON as text into `data`.
    """
    if not isinstance(parsed, dict) or "data" not in parsed or not _ENVELOPE & parsed.keys():
        return parsed
    data = parsed["data"]
    if isinstance(data, str):
        inner = parse(data.encode())
        return data if inner is None else inner
    return data


def pick(mapping: Any, *names: str) -> Any:
    """Return the first value that is there under one of these names, in any casing."""
    if not isinstance(mapping, dict):
        return None
    folded = {str(key).lower(): value for key, value in mapping.items()}
    for name in names:
        if (value := folded.get(name.lower())) is not None:
            return value
    return None


def mapping(value: Any, *names: str) -> dict[str, Any]:
    """Return the object under one of these names; empty when there is none."""
    found = pick(value, *names)
    return found if isinstance(found, dict) else {}


def items(value: Any, *names: str) -> list[Any]:
    """Return the list under one of these names; empty when there is none."""
    found = pick(value, *names)
    return found if isinstance(found, list) else []


def text(value: Any, *names: str) -> str:
    """Return the text or number under one of these names as text; "" when there is none."""
    found = pick(value, *names)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)


def number(value: Any, *names: str) -> int:
    """Return the whole number under one of these names, however written; 0 without one."""
    try:
        return int(text(value, *names) or 0)
    except ValueError:
        return 0


def flag(value: Any, *names: str) -> bool:
    """Return whether something under one of these names says yes."""
    found = pick(value, *names)
    return found is True or found == 1 or (isinstance(found, str) and found.lower() == "true")


def jid(value: Any, *names: str) -> str:
    """Return the normalized JID under one of these names; "" when there is none."""
    try:
        return jids.normalize(text(value, *names))
    except jids.InvalidRecipient:
        return ""


def moment(value: Any, *names: str) -> datetime | None:
    """Return a time, written as RFC 3339 or as Unix seconds; None when there is none."""
    found = pick(value, *names)
    try:
        if isinstance(found, str) and not found.isdigit():
            read = datetime.fromisoformat(found)
            # Go writes its zero time where there is none.
            return read.astimezone(UTC) if read.tzinfo and read.year > 1 else None
        return datetime.fromtimestamp(int(found or 0), UTC) if found else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None
