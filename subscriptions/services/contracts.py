"""What sibling services promised their tenants.

The service sells it; we hold a plan that is never for sale and the tenant's own limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Tenant
from subscriptions.models import Feature, Plan, Subscription
from subscriptions.services import overrides, plans, steps
from subscriptions.services.steps import Cause, Step
from subscriptions.states import RUNNING, SubscriptionStatus

S = SubscriptionStatus
REASON = "Contract of its service"


@dataclass(frozen=True, slots=True)
class Contract:
    """What a tenant may do until `expires_at`.

    :param max_messages: per usage period; None is unlimited.
    :param provider: what the service calls the product.
    """

    tenant: Tenant
    expires_at: datetime
    max_sessions: int
    max_messages: int | None
    provider: str

    @property
    def limits(self) -> dict[str, int | None]:
        """Return the limits that it sets."""
        return {Feature.SESSIONS: self.max_sessions, Feature.MESSAGES: self.max_messages}

    def start(self, plan: Plan, *, now: datetime) -> dict[str, Any]:
        """Return the fields of the subscription that it makes when there is none."""
        status = S.ACTIVE if self.expires_at > now else S.EXPIRED
        fields = steps.starting(plan, now=now, ends_at=self.expires_at, status=status)
        return fields | {"provider": self.provider}


def set_contract(*, contract: Contract, actor: str, now: datetime) -> Subscription:
    """Let one tenant have what its contract says; see `set_many`."""
    return set_many(contracts=[contract], actor=actor, now=now)[0]


@transaction.atomic
def set_many(*, contracts: Sequence[Contract], actor: str, now: datetime) -> list[Subscription]:
    """Let tenants have what their contracts say, all or none; many cost what one costs.

    A later end is a renewal: the messages count from zero again, and what had ended runs
    again. A past end ends it at once. The same once more changes nothing. What our staff
    suspended stays so. Of several contracts of one tenant only the last counts.

    :raises steps.WrongStatus: a subscription can't become what its contract makes of it.
    """
    cause, plan = Cause(actor, REASON, now), plans.partner_plan()
    terms = {contract.tenant: contract for contract in contracts}
    starts = {tenant: contract.start(plan, now=now) for tenant, contract in terms.items()}
    begun = steps.begin_many(starts, cause)
    known = {tenant: row for tenant, (row, created) in begun.items() if not created}
    _set_limits(terms, known, cause)
    moves = [_step(row, starts[tenant], now=now) for tenant, row in known.items()]
    steps.take_many([step for step in moves if _changes(step)], cause)
    return [begun[contract.tenant][0] for contract in contracts]


def _set_limits(
    terms: Mapping[Tenant, Contract], known: Mapping[Tenant, Subscription], cause: Cause
) -> None:
    """Write the limits; of a new subscription the fact that it began tells enough."""
    limits = {tenant: contract.limits for tenant, contract in terms.items()}
    changed = overrides.write_limits(limits=limits, cause=cause)
    overrides.announce([tenant for tenant in changed if tenant in known])


def _changes(step: Step) -> bool:
    found = step.subscription
    return any(getattr(found, name) != value for name, value in step.change.items())


def _step(subscription: Subscription, start: dict[str, Any], *, now: datetime) -> Step:
    """Return what the contract makes of a subscription that is there.

    :param start: what it would make of none.
    """
    expires_at: datetime = start["ends_at"]
    moved = {
        "plan": start["plan"],
        "provider": start["provider"],
        "starts_at": min(subscription.starts_at, expires_at),
        "ends_at": expires_at,
        "grace_ends_at": None,
        "cancel_at_end": False,
    }
    runs, suspended = subscription.status in RUNNING, subscription.status == S.SUSPENDED
    if runs and expires_at <= now:
        return Step(subscription, "expired", moved | {"status": S.EXPIRED})
    if not runs and not suspended and expires_at > now:
        return Step(subscription, "activated", start)
    if expires_at <= subscription.ends_at:
        return Step(subscription, "shortened", moved)
    renewed = {name: start[name] for name in ("period_starts_at", "period_ends_at")}
    active = {"status": S.ACTIVE} if runs else {}
    return Step(subscription, "extended", moved | renewed | active)
