"""Keys of sibling services that stand in the environment: `service:key`, or `key` for all.

Pure: no database. They are for the first hour and for tests of an installation; rows
(`ServiceKey`) can be rotated, expire and are shown in the admin.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

MIN_LENGTH = 32  # characters; nobody slows down who guesses at `/internal`
MAX_SOURCE_LENGTH = 64  # of the column `Tenant.source`


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """One entry; `source` is "" for every service."""

    source: str
    text: str = field(repr=False)

    @property
    def credential_id(self) -> str:
        """Return what stands for the key in the audit log: it has no row and no id."""
        return f"env:{self.source or '*'}"


def parse(entries: Iterable[str]) -> list[EnvironmentKey]:
    """Return the entries that are whole: `:key` would otherwise open every source."""
    return [found for entry in entries if (found := _parse(entry)) is not None]


def find(text: str, entries: Iterable[str]) -> EnvironmentKey | None:
    """Return the first entry whose key is `text`; every one is compared, in constant time."""
    presented = _fingerprint(text)
    known = parse(entries)
    matches = [hmac.compare_digest(presented, _fingerprint(entry.text)) for entry in known]
    return known[matches.index(True)] if any(matches) else None


def problems(entries: Iterable[str]) -> list[str]:
    """Return what is wrong with each entry, by its place: the text itself is a secret."""
    named = ((number, _problem(entry)) for number, entry in enumerate(entries, start=1))
    return [f"entry {number} {problem}" for number, problem in named if problem]


def too_short(entries: Iterable[str]) -> list[str]:
    """Return which keys could be guessed."""
    keys = enumerate(parse(entries), start=1)
    return [f"key {number}" for number, key in keys if len(key.text) < MIN_LENGTH]


def _parse(entry: str) -> EnvironmentKey | None:
    if _problem(entry):
        return None
    source, colon, text = entry.partition(":")
    return (
        EnvironmentKey(source.strip(), text.strip())
        if colon
        else EnvironmentKey("", source.strip())
    )


def _problem(entry: str) -> str:
    source, colon, text = (part.strip() for part in entry.partition(":"))
    if colon and not source:
        return "has no service before the colon"
    if len(source) > MAX_SOURCE_LENGTH and colon:
        return f"names a service with more than {MAX_SOURCE_LENGTH} characters"
    return "has no key" if not (text if colon else source) else ""


def _fingerprint(text: str) -> bytes:
    """Return bytes of one length, whatever the text: the comparison then takes one time."""
    return hashlib.sha256(text.encode()).digest()
