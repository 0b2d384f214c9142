"""What an API key may be limited to, and who may give what. Pure: no rows.

A key carries scopes, and may be bound to sessions, to networks and to a last day.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.roles import KEY_SCOPES
from orsta.core import errors

EVERY = "*"  # of the scopes: all there are for keys, also those that come later
MAX_NAME_LENGTH = 80
MAX_ENTRIES = 50  # sessions or networks of one key
MAX_NETWORK_LENGTH = 64
_SESSION_ID = re.compile(r"ses_[0-9a-hjkmnp-tv-z]{26}")


class InvalidKey(errors.Invalid):
    """A limit of the API key makes no sense; `fields` says which."""

    code = "invalid_input"


class ScopeNotYours(errors.Denied):
    """Nobody gives a key what they may not do themselves."""

    code = "scope_not_yours"


def check(
    *, now: datetime, granter: frozenset[str] | None = None, **columns: Any
) -> dict[str, Any]:
    """Return the columns of a key as they are stored: sorted, and networks in one spelling.

    :param granter: the scopes of whoever gives; None may give every one.
    :raises InvalidKey: a value makes no sense.
    :raises ScopeNotYours: the scopes are more than the granter's.
    """
    problems: dict[str, list[str]] = {}
    clean: dict[str, Any] = {}
    for name, value in columns.items():
        try:
            clean[name] = _CLEANERS[name](value) if name != "expires_at" else _later(value, now)
        except ValueError as error:
            problems[name] = [str(error)]
    if problems:
        raise InvalidKey("The input has errors; see the fields.", fields=problems)
    if "scopes" in clean:
        check_scopes(clean["scopes"], granter=granter)
    return clean


def check_scopes(scopes: Sequence[str], *, granter: frozenset[str] | None) -> None:
    """Refuse to hand out what the granter has not.

    :raises ScopeNotYours: with the scopes that are too many.
    """
    missing = sorted(expand(scopes) - granter) if granter is not None else []
    if missing:
        raise ScopeNotYours(
            f"Your role does not have {', '.join(missing)}, so a key of yours cannot either.",
            scopes=missing,
        )


def expand(scopes: Sequence[str]) -> frozenset[str]:
    """Return the scopes that a key has."""
    return KEY_SCOPES if EVERY in scopes else KEY_SCOPES & frozenset(scopes)


def grantable(granter: frozenset[str]) -> list[str]:
    """Return what somebody can give to a key at most."""
    return [EVERY] if granter >= KEY_SCOPES else sorted(KEY_SCOPES & granter)


def shown(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns as plain JSON values."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in columns.items()
    }


def _name(value: str) -> str:
    name = value.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"Use 1 to {MAX_NAME_LENGTH} printable characters.")
    return name


def _scopes(value: Sequence[str]) -> list[str]:
    unknown = sorted(set(value) - KEY_SCOPES - {EVERY})
    if unknown:
        raise ValueError(f"Keys cannot have {', '.join(unknown)[:200]}.")
    if not value:
        raise ValueError("Name at least one scope.")
    return [EVERY] if EVERY in value else sorted(set(value))


def _session_ids(value: Sequence[str]) -> list[str]:
    if len(value) > MAX_ENTRIES:
        raise ValueError(f"Name up to {MAX_ENTRIES} sessions.")
    bad = [text for text in value if not _SESSION_ID.fullmatch(text)]
    if bad:
        raise ValueError(f"{bad[0][:40]!r} is no session id.")
    return sorted(set(value))


def _networks(value: Sequence[str]) -> list[str]:
    if len(value) > MAX_ENTRIES:
        raise ValueError(f"Name up to {MAX_ENTRIES} networks.")
    return sorted({_network(text) for text in value})


def _network(text: str) -> str:
    sentence = f"{text[:40]!r} is no address and no network such as 192.0.2.0/24."
    if len(text) > MAX_NETWORK_LENGTH or "%" in text:  # a zone means nothing elsewhere
        raise ValueError(sentence)
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(sentence) from None


def _later(value: datetime | None, now: datetime) -> datetime | None:
    if value is not None and value <= now:
        raise ValueError("Choose a moment in the future.")
    return value


_CLEANERS: dict[str, Any] = {
    "name": _name,
    "scopes": _scopes,
    "session_ids": _session_ids,
    "networks": _networks,
}
