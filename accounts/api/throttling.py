"""What a caller's requests count in, by who it is.

A program counts in three buckets: its key in the route's class, all of its tenant's callers of
its kind in that class, and the key whatever it does, which blocks it when it runs wild.
"""

from collections.abc import Callable

from accounts.models import Tenant
from accounts.principal import Principal, PrincipalKind, ServicePrincipal
from orsta.core import limits

STANDARD = "STANDARD"
PERSON = "person"
SERVICE = "service"


class _Hook:
    rate_class_of: Callable[[Tenant], str] = staticmethod(lambda tenant: STANDARD)


def register(rate_class_of: Callable[[Tenant], str]) -> None:
    """Say how wide a tenant's programs may go; what knows its plan stands above this app."""
    _Hook.rate_class_of = staticmethod(rate_class_of)


def buckets_of(principal: object, route_class: str) -> list[limits.Bucket]:
    """Return the buckets of a caller; none for one who is not known."""
    if isinstance(principal, ServicePrincipal):
        return [_bucket(f"{SERVICE}_{route_class}", principal.credential_id)]
    if not isinstance(principal, Principal):
        return []
    if principal.kind == PrincipalKind.LOGIN:
        return _of_tenant(PERSON, principal, route_class)
    wide = _Hook.rate_class_of(principal.tenant).lower()
    spam = _bucket(f"{wide}_spam", principal.credential_id)
    return [*_of_tenant(wide, principal, route_class), spam]


def count(principal: Principal, route_class: str) -> None:
    """Count a call that came over a socket where the same call over HTTP counts.

    While Redis is away it passes uncounted, as there.

    :raises LimitReached: one of the caller's buckets is full.
    """
    try:
        outcomes = limits.hit_all(buckets_of(principal, route_class))
    except limits.LimiterAway:
        return
    limits.require(outcomes)


def _of_tenant(wide: str, principal: Principal, route_class: str) -> list[limits.Bucket]:
    return [
        _bucket(f"{wide}_{route_class}", principal.credential_id),
        _bucket(f"{wide}_tenant", f"{principal.tenant.public_id}:{route_class}"),
    ]


def _bucket(policy: str, subject: str) -> limits.Bucket:
    return limits.Bucket(limits.policy_of(policy), subject)
