"""Write the audit log."""

from datetime import datetime
from typing import Any

from accounts.models import AuditEntry, Tenant

SYSTEM = "system"


def record(
    *,
    action: str,
    actor: str,
    now: datetime,
    tenant: Tenant | None = None,
    target: str = "",
    ip: str | None = None,
    **detail: Any,
) -> None:
    """Record one fact, in the caller's transaction: it is true only if that commits.

    :param action: past tense, dotted: `api_key.rotated`.
    :param actor: the public id of who did it, or `SYSTEM`.
    :param detail: plain JSON values, never secrets.
    """
    AuditEntry.objects.create(
        tenant=tenant, actor=actor, action=action, target=target, ip=ip, detail=detail, at=now
    )
