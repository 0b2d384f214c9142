"""The end of a deletion: everything a tenant has goes, and an empty row stays.

The ledger and the audit log name the tenant for good; they hold no names, no addresses and
no messages.
"""

from datetime import datetime

from django.db import transaction

from accounts import purging as registry
from accounts.models import (
    ApiKey,
    Invitation,
    LoginSession,
    Mail,
    Membership,
    Tenant,
    TenantStatus,
    User,
)
from accounts.services import audit, exports
from orsta.core import errors
from orsta.core.outbox.services import emit

_NAME = "Deleted workspace"


class GraceNotOver(errors.Conflict):
    """The deletion can still be cancelled, or there is none."""

    code = "deletion_grace"


def due(*, now: datetime) -> list[str]:
    """Return the tenants whose grace is over, by public id."""
    over = Tenant.objects.filter(status=TenantStatus.DELETING, purge_at__lte=now)
    return list(over.order_by("purge_at").values_list("public_id", flat=True))


def purge(*, tenant: Tenant, now: datetime) -> bool:
    """Remove what a tenant has, and say whether all of it is gone; if not, call again later.

    :raises GraceNotOver: it is not due.
    """
    if tenant.status == TenantStatus.PURGED:
        return True
    if tenant.purge_at is None or tenant.purge_at > now:
        raise GraceNotOver("The grace of this deletion is not over.")
    if not all(part(tenant, now) for part in registry.parts()):
        return False
    _finish(tenant, now)
    return True


@transaction.atomic
def remove_people(tenant: Tenant, now: datetime) -> bool:
    """Remove members, credentials, mails and archives: this app's part of a purge.

    Somebody who belonged to no other workspace is deleted too; staff stay.
    """
    exports.remove_all(tenant=tenant)
    for model in (Invitation, ApiKey, LoginSession):
        model.objects.for_tenant(tenant).delete()
    Mail.objects.filter(tenant=tenant).delete()
    members = Membership.objects.for_tenant(tenant)
    people = list(members.order_by("user").values_list("user", flat=True))
    members.delete()
    User.objects.filter(pk__in=people, memberships=None, is_staff=False).delete()
    return True


@transaction.atomic
def _finish(tenant: Tenant, now: datetime) -> None:
    over = Tenant.objects.filter(pk=tenant.pk, status=TenantStatus.DELETING, purge_at__lte=now)
    emptied = {"name": _NAME, "source": "", "external_id": "", "created_by": ""}
    state = {"status": TenantStatus.PURGED, "purge_at": None, "status_reason": ""}
    moved = over.update(
        status_changed_at=now, updated_at=now, api_enabled=False, **emptied, **state
    )
    tenant.refresh_from_db()
    if moved != 1:
        return
    target = tenant.public_id
    audit.record(
        action="tenant.purged", actor=audit.SYSTEM, now=now, tenant=tenant, target=target
    )
    emit("tenant.purged", tenant_id=tenant.pk, shard=f"tenant:{target}")
