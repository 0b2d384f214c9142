"""What sibling services tell us of their users: who there is, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import Tenant
from accounts.services import onboarding
from accounts.services.onboarding import Newcomer
from subscriptions.services import contracts
from subscriptions.services.contracts import Contract

DEFAULT_PROVIDER = "orsta"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a service promised one of its users.

    :param max_messages: per usage period; None is unlimited.
    :param provider: what the service calls the product.
    """

    source: str
    user_id: str
    expires_at: datetime
    max_sessions: int = 1
    max_messages: int | None = None
    provider: str = DEFAULT_PROVIDER
    created_by: str = ""

    def contract_of(self, tenant: Tenant) -> Contract:
        """Return what the tenant that the user is gets."""
        return Contract(
            tenant=tenant,
            expires_at=self.expires_at,
            max_sessions=self.max_sessions,
            max_messages=self.max_messages,
            provider=self.provider,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a promise. `api_key` is "" unless the user is new: show it once."""

    tenant: Tenant
    created: bool
    api_key: str = field(default="", repr=False)


def upsert(*, promise: Promise, actor: str, now: datetime) -> Kept:
    """Make or renew one user; see `upsert_many`."""
    return upsert_many(promises=[promise], actor=actor, now=now)[0]


@transaction.atomic
def upsert_many(*, promises: Sequence[Promise], actor: str, now: datetime) -> list[Kept]:
    """Make the users that are new, with a key each, and give all of them what is promised.

    All or none, in the order given, in as many statements as one user costs. Of several
    promises to one user only the last is kept.
    """
    newcomers = [
        Newcomer(promise.source, promise.user_id, promise.created_by) for promise in promises
    ]
    found = onboarding.onboard(newcomers=newcomers, actor=actor, now=now)
    promised = [
        promise.contract_of(one.tenant) for promise, one in zip(promises, found, strict=True)
    ]
    contracts.set_many(contracts=promised, actor=actor, now=now)
    return [Kept(one.tenant, created=one.created, api_key=one.api_key) for one in found]


def replace(*, tenant: Tenant, promise: Promise, actor: str, now: datetime) -> None:
    """Give a known user what is promised instead of what it had."""
    contracts.set_contract(contract=promise.contract_of(tenant), actor=actor, now=now)
