"""What sibling services see of the tenants they made; to them each is a user with an id.

A tenant is one per (source, user_id), and every read here names both or asks for both: a key
that is bound to a source cannot even express a question about another source's user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts import selectors as accounts_selectors
from accounts.models import ApiKey, Tenant
from orsta.core import errors
from subscriptions import selectors
from subscriptions.entitlements import Entitlements
from subscriptions.models import Feature, QuotaUsage, Subscription

MAX_PAGE = 1_000_000_000  # beyond it an OFFSET would leave PostgreSQL's bigint


class UserNotFound(errors.Missing):
    """There is no user of that id for this key."""

    code = "user_not_found"


class AmbiguousUser(errors.Conflict):
    """Users of several services have that id: say which service is meant."""

    code = "ambiguous_user"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user subscribes to, in the words of `/internal`; empty when that is nothing.

    :param status: in small letters, as it is now, whether or not a job has seen it.
    :param max_messages: per period; 0 is unlimited there.
    """

    provider: str = ""
    status: str = ""
    expires_at: datetime | None = None
    max_sessions: int = 0
    max_messages: int = 0


@dataclass(frozen=True, slots=True)
class ExternalUser:
    """A tenant as a sibling service knows it.

    :param subscription: empty too when it is of another product than was asked for.
    :param sessions: how many there are that are not deleted.
    """

    tenant: Tenant
    subscription: Standing
    sessions: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of users, and how many there are on all pages."""

    users: list[ExternalUser]
    total: int


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The key that a user's programs use, and the one it replaced, if any."""

    key: ApiKey
    replaced: ApiKey | None


def tenant_of(*, source: str, user_id: str) -> Tenant:
    """Return the tenant that a service calls `user_id`.

    :param source: "" looks among the users of every service.
    :raises UserNotFound: there is none.
    :raises AmbiguousUser: several services have one.
    """
    called = Tenant.objects.filter(external_id=user_id).exclude(external_id="")
    if source:
        called = called.filter(source=source)
    found: list[Tenant] = (
        list(called.order_by("pk")[:2]) if "\x00" not in user_id + source else []
    )
    if not found:
        raise UserNotFound("There is no such user.")
    if len(found) > 1:
        raise AmbiguousUser(
            "Several services have a user with this id; name one with ?source=."
        )
    return found[0]


def page_of_users(
    *, source: str, provider: str, page: int, limit: int, now: datetime
) -> UserPage:
    """Return a page of users, newest first: as many queries for a hundred as for one.

    :param provider: shows only subscriptions of this product, not fewer users; "" shows all.
    :param page: the first one is 1.
    """
    users = _users(source)
    begin = (page - 1) * limit
    # The page is cut from the index alone, so that a late one does not read the early rows.
    cut = users.order_by("-pk").values("pk")[begin : begin + limit]
    tenants = list(Tenant.objects.filter(pk__in=cut).order_by("-pk"))
    return UserPage(_describe(tenants, provider=provider, now=now), users.count())


def describe(tenant: Tenant, *, now: datetime) -> ExternalUser:
    """Return a tenant as its service sees it."""
    return _describe([tenant], provider="", now=now)[0]


def key_of(tenant: Tenant) -> KeyFacts | None:
    """Return what may be told of the oldest key that works, None when there is none."""
    key = accounts_selectors.current_api_key(tenant=tenant)
    if key is None:
        return None
    replaced = ApiKey.objects.for_tenant(tenant).filter(replaced_by=key)
    return KeyFacts(key, replaced.order_by("-pk").first())


def _users(source: str) -> QuerySet[Tenant]:
    """By source alone: whoever has one has a user_id too (a constraint), and no row is read."""
    if "\x00" in source:  # PostgreSQL stores none, and takes none in a question either
        return Tenant.objects.none()
    if source:
        return Tenant.objects.filter(source=source)
    return Tenant.objects.exclude(source="")


def _describe(tenants: Sequence[Tenant], *, provider: str, now: datetime) -> list[ExternalUser]:
    known = selectors.subscriptions_of([tenant.pk for tenant in tenants])
    used: dict[int, int] = dict(
        QuotaUsage.objects.filter(tenant__in=tenants, feature=Feature.SESSIONS).values_list(
            "tenant_id", "used"
        )
    )
    standings = {
        tenant_id: _standing(subscription, terms.at(now))
        for tenant_id, (subscription, terms) in known.items()
        if provider in {"", subscription.provider}
    }
    return [
        ExternalUser(
            tenant=tenant,
            subscription=standings.get(tenant.pk, Standing()),
            sessions=used.get(tenant.pk, 0),
        )
        for tenant in tenants
    ]


def _standing(subscription: Subscription, entitlements: Entitlements) -> Standing:
    limits = entitlements.limits
    return Standing(
        provider=subscription.provider,
        status=entitlements.status.lower(),
        expires_at=subscription.ends_at,
        max_sessions=limits.get(Feature.SESSIONS) or 0,
        max_messages=limits.get(Feature.MESSAGES) or 0,
    )
