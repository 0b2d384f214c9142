"""Give one tenant other limits than its plan's."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Tenant
from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import NewEvent, emit_many
from subscriptions import selectors
from subscriptions.models import EntitlementOverride
from subscriptions.services import quotas
from subscriptions.services.steps import Cause


class NoOverride(errors.Missing):
    """The tenant has the plan's own limit."""


@transaction.atomic
def set_limit(
    *,
    tenant: Tenant,
    feature: str,
    limit: int | None,
    expires_at: datetime | None,
    reason: str,
    actor: str,
    now: datetime,
) -> EntitlementOverride:
    """Let `limit` (None: unlimited) hold instead of the plan's, until `expires_at` or for good.

    :raises errors.Invalid: it would be over already.
    """
    if expires_at is not None and expires_at <= now:
        raise errors.Invalid("The end of an override lies in the future.")
    rows = EntitlementOverride.objects.for_tenant(tenant).select_for_update()
    before = _shown(rows.filter(feature=feature).first())
    override: EntitlementOverride
    override, _ = EntitlementOverride.objects.update_or_create(
        tenant=tenant,
        feature=feature,
        defaults={
            "limit": limit,
            "expires_at": expires_at,
            "reason": reason,
            "created_by": actor,
            "created_at": now,
        },
    )
    cause = Cause(actor, reason, now)
    _record("overridden", tenant, feature, cause, before=before, after=_shown(override))
    return override


@transaction.atomic
def remove_limit(
    *, tenant: Tenant, feature: str, reason: str, actor: str, now: datetime
) -> None:
    """Go back to the plan's limit.

    :raises NoOverride: there is none to remove.
    """
    rows = EntitlementOverride.objects.for_tenant(tenant).filter(feature=feature)
    before = _shown(rows.select_for_update().first())
    if not rows.delete()[0]:
        raise NoOverride("This workspace has its plan's own limit.")
    _record("override_removed", tenant, feature, Cause(actor, reason, now), before=before)


def write_limits(
    *, limits: Mapping[Tenant, Mapping[str, int | None]], cause: Cause
) -> list[Tenant]:
    """Set limits of tenants for good, in the caller's transaction, in two statements.

    Returns whose limits are others now, for `announce`; nothing of the rest was written.
    """
    own: dict[int, dict[str, int | None]] = defaultdict(dict)
    rows = EntitlementOverride.objects.filter(tenant__in=list(limits), expires_at=None)
    for tenant_id, feature, limit in rows.values_list("tenant_id", "feature", "limit"):
        own[tenant_id][feature] = limit
    changed = [
        tenant
        for tenant, wanted in limits.items()
        if not wanted.items() <= own[tenant.pk].items()
    ]
    EntitlementOverride.objects.bulk_create(
        (
            EntitlementOverride(
                tenant=tenant,
                feature=feature,
                limit=limit,
                reason=cause.reason,
                created_by=cause.actor,
                created_at=cause.now,
            )
            for tenant in changed
            for feature, limit in limits[tenant].items()
        ),
        update_conflicts=True,
        unique_fields=["tenant", "feature"],
        update_fields=["limit", "expires_at", "reason", "created_by", "created_at"],
    )
    return changed


def announce(tenants: Sequence[Tenant]) -> None:
    """Tell everybody who keeps or shows the tenants' limits that they are others now."""
    quotas.rearm_warnings(tenants=tenants)
    emit_many(
        NewEvent("entitlements.changed", tenant.pk, f"tenant:{tenant.public_id}")
        for tenant in tenants
    )
    selectors.forget([tenant.pk for tenant in tenants])


def _record(
    fact: str, tenant: Tenant, feature: str, cause: Cause, **change: Mapping[str, object]
) -> None:
    audit.record(
        action=f"entitlement.{fact}",
        actor=cause.actor,
        now=cause.now,
        tenant=tenant,
        target=feature,
        reason=cause.reason,
        **change,
    )
    announce([tenant])


def _shown(override: EntitlementOverride | None) -> dict[str, object]:
    if override is None:
        return {}
    until = override.expires_at.isoformat() if override.expires_at else None
    return {"limit": override.limit, "expires_at": until}
