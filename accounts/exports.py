"""What a tenant's archive holds: each app registers its kinds of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import Tenant

Rows = Callable[["Tenant"], Iterable[dict[str, Any]]]
Count = Callable[["Tenant"], int]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive."""

    name: str
    rows: Rows
    count: Count | None


_parts: dict[str, Part] = {}


def register(name: str, rows: Rows, count: Count | None = None) -> None:
    """Put `<name>.jsonl` into every archive, one line for each of `rows(tenant)`.

    :param rows: yields plain values that JSON knows, datetimes among them, never secrets; it
        should stream (`QuerySet.iterator`), because a tenant may have millions.
    :param count: how many there will be, about; without it progress leaves them out.
    """
    _parts[name] = Part(name, rows, count)


def parts() -> list[Part]:
    """Return every kind of rows, by name."""
    return [_parts[name] for name in sorted(_parts)]
