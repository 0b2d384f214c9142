"""Write the audit log."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts.models import AuditEntry, Tenant
from orsta.core.observability import origin

SYSTEM = "system"
_NO_TENANT = "orsta"  # the chain of what concerns no tenant


def record(*, action: str, actor: str, now: datetime, **facts: Any) -> None:
    """Record one fact, in the caller's transaction: it is true only if that commits.

    :param facts: as `entry` takes them.
    """
    entry(action=action, actor=actor, now=now, **facts).save()


def record_many(entries: Iterable[AuditEntry]) -> None:
    """Record several facts in one statement, in order; see `record`."""
    AuditEntry.objects.bulk_create(entries)


def entry(
    *,
    action: str,
    actor: str,
    now: datetime,
    tenant: Tenant | None = None,
    target: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    ip: str | None = None,
    **detail: Any,
) -> AuditEntry:
    """Return one fact before it is recorded, for `record_many`.

    The address and the user agent are those of the request that is served, if any.

    :param action: past tense, dotted: `api_key.rotated`.
    :param actor: the public id of who did it, or `SYSTEM`.
    :param before: what changed, as it was: plain JSON values, never secrets; `after` the same.
    :param detail: other plain JSON values, never secrets.
    """
    came_from = origin.current()
    return AuditEntry(
        tenant=tenant,
        chain=tenant.public_id if tenant else _NO_TENANT,
        actor=actor,
        action=action,
        target=target,
        reason=reason[:200],
        before=dict(before or {}),
        after=dict(after or {}),
        ip=ip or came_from.address,
        user_agent=came_from.user_agent[:200],
        detail=detail,
        at=now,
    )
