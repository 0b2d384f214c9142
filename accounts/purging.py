"""What goes when a tenant is purged: each app registers its part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import Tenant

Part = Callable[["Tenant", datetime], bool]
_parts: list[Part] = []


def register(part: Part) -> Part:
    """Have `part(tenant, now)` called for a tenant whose grace is over, until it says True.

    It removes what its app keeps for the tenant and says whether all of it is gone. False
    means that it waits for somebody else (an engine that has to let go of a device): it is
    called again some minutes later. It owns its transactions and may be called when nothing
    is left.
    """
    if part not in _parts:
        _parts.append(part)
    return part


def parts() -> list[Part]:
    """Return the parts; the app that was registered last goes first, as it stands highest."""
    return list(reversed(_parts))
