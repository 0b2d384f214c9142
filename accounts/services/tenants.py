"""Workspaces: made, renamed, suspended, deleted after a grace, purged."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When

from accounts.models import Membership, Role, Tenant, TenantStatus, User
from accounts.services import audit, keys
from orsta.core import errors
from orsta.core.outbox.services import emit

DELETION_GRACE = timedelta(days=14)  # in which a deletion can be cancelled
MAX_NAME_LENGTH = 120  # of the column
_NO_REASON = "Suspended"
_REASON_LENGTH = 200  # of the column


class TenantEnding(errors.Conflict):
    """The workspace is about to be deleted, or is gone."""

    code = "tenant_ending"


class NotEnding(errors.Conflict):
    """There is no deletion to cancel."""

    code = "deletion_not_scheduled"


class InvalidName(errors.Invalid):
    """A workspace needs a name, and not one that fills the page."""

    code = "invalid_input"


class InvalidCountry(errors.Invalid):
    """This is not the code of a country."""

    code = "invalid_country"


@transaction.atomic
def create(*, name: str, owner: User, now: datetime) -> Tenant:
    """Make a workspace that its first member owns.

    :raises InvalidName: it is blank or too long.
    """
    tenant: Tenant = Tenant.objects.create(name=_name(name))
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    _record("tenant.created", tenant, owner.public_id, now, after={"name": tenant.name})
    _emit("tenant.created", tenant, tenant=tenant.public_id)
    return tenant


@transaction.atomic
def update(*, tenant: Tenant, actor: str, now: datetime, **changes: str) -> Tenant:
    """Change a workspace's `name` or `default_country`; what is left out stays.

    :raises InvalidName: the name is blank or too long.
    :raises InvalidCountry: no phone numbers are known for this code.
    """
    wanted = {name: _JUDGES[name](value) for name, value in changes.items()}
    locked = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = {name: getattr(locked, name) for name in wanted}
    for name, value in wanted.items():
        setattr(tenant, name, value)
    if before == wanted:
        return tenant
    Tenant.objects.filter(pk=tenant.pk).update(updated_at=now, **wanted)
    _record("tenant.updated", tenant, actor, now, before=before, after=wanted)
    _emit("tenant.updated", tenant)
    return tenant


@transaction.atomic
def suspend(*, tenant: Tenant, reason: str, actor: str, now: datetime) -> Tenant:
    """Stop a tenant: its keys are refused and its sessions held; one that is stays as it is.

    Nothing is revoked or removed: `resume` restores what was.

    :raises TenantEnding: it is about to be deleted.
    """
    why = reason.strip()[:_REASON_LENGTH] or _NO_REASON
    active = _in(tenant, TenantStatus.ACTIVE)
    if not _move(active, tenant, now, status=TenantStatus.SUSPENDED, status_reason=why):
        _refuse_ending(tenant)
        return tenant
    _record("tenant.suspended", tenant, actor, now, reason=why)
    _emit("tenant.suspended", tenant, reason=why)
    keys.tell_all(tenant=tenant, name="api_key.deactivated", now=now)
    return tenant


@transaction.atomic
def resume(*, tenant: Tenant, actor: str, now: datetime, reason: str = "") -> Tenant:
    """Let a suspended tenant go on; an active one stays as it is.

    :raises TenantEnding: it is about to be deleted.
    """
    suspended = _in(tenant, TenantStatus.SUSPENDED)
    if not _move(suspended, tenant, now, status=TenantStatus.ACTIVE, status_reason=""):
        _refuse_ending(tenant)
        return tenant
    _record("tenant.resumed", tenant, actor, now, reason=reason)
    _emit("tenant.resumed", tenant)
    return tenant


@transaction.atomic
def schedule_deletion(*, tenant: Tenant, actor: str, now: datetime, reason: str = "") -> Tenant:
    """Stop a tenant now and have it purged after the grace; once scheduled, the date stays.

    :raises TenantEnding: it was purged already.
    """
    purge_at = now + DELETION_GRACE
    living = _in(tenant, TenantStatus.ACTIVE, TenantStatus.SUSPENDED)
    if not _move(living, tenant, now, status=TenantStatus.DELETING, purge_at=purge_at):
        if tenant.status == TenantStatus.PURGED:
            raise TenantEnding("This workspace is gone.")
        return tenant
    after = {"purge_at": purge_at.isoformat()}
    _record("tenant.deletion_scheduled", tenant, actor, now, reason=reason, after=after)
    _emit("tenant.deletion_scheduled", tenant, purge_at=purge_at.isoformat())
    keys.tell_all(tenant=tenant, name="api_key.deactivated", now=now)
    return tenant


@transaction.atomic
def cancel_deletion(*, tenant: Tenant, actor: str, now: datetime, reason: str = "") -> Tenant:
    """Keep a tenant after all; one that was suspended before is so again.

    :raises NotEnding: no deletion is scheduled, or its grace is over.
    """
    before = Case(
        When(status_reason="", then=Value(TenantStatus.ACTIVE)),
        default=Value(TenantStatus.SUSPENDED),
    )
    in_time = _in(tenant, TenantStatus.DELETING).filter(purge_at__gt=now)
    if not _move(in_time, tenant, now, status=before, purge_at=None):
        raise NotEnding("There is no deletion to cancel.")
    after = {"status": tenant.status}
    _record("tenant.deletion_cancelled", tenant, actor, now, reason=reason, after=after)
    _emit("tenant.deletion_cancelled", tenant)
    return tenant


def _in(tenant: Tenant, *statuses: TenantStatus) -> QuerySet[Tenant]:
    return Tenant.objects.filter(pk=tenant.pk, status__in=statuses)


def _move(rows: QuerySet[Tenant], tenant: Tenant, now: datetime, **columns: Any) -> bool:
    """Change the tenant if it is among `rows`; only one of two callers wins."""
    moved = rows.update(status_changed_at=now, updated_at=now, **columns)
    tenant.refresh_from_db()
    return moved == 1


def _refuse_ending(tenant: Tenant) -> None:
    if tenant.status in {TenantStatus.DELETING, TenantStatus.PURGED}:
        raise TenantEnding("This workspace is about to be deleted; cancel that first.")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        rule = f"Use 1 to {MAX_NAME_LENGTH} characters."
        raise InvalidName("The input has errors; see the fields.", fields={"name": [rule]})
    return name


def _record(action: str, tenant: Tenant, actor: str, now: datetime, **members: Any) -> None:
    target = tenant.public_id
    audit.record(action=action, actor=actor, now=now, tenant=tenant, target=target, **members)


def _emit(name: str, tenant: Tenant, /, **payload: Any) -> None:
    emit(name, tenant_id=tenant.pk, shard=f"tenant:{tenant.public_id}", **payload)


def _country(code: str) -> str:
    """Return the ISO 3166 code in capitals; empty for none."""
    wanted = code.strip().upper()
    if wanted and wanted not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidCountry("Give a country's code of two letters, like DE or US.")
    return wanted


_JUDGES: dict[str, Callable[[str], str]] = {"name": _name, "default_country": _country}
