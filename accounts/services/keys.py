"""A tenant's API key: made inactive, turned on by money, replaced at will."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts import keys as formats
from accounts import selectors
from accounts.models import ApiKey, ApiKeyStatus, Tenant, User
from accounts.services import audit
from orsta.core import crypto, errors
from orsta.core.outbox.services import emit


class NoApiKey(errors.Missing):
    """The tenant has no API key."""

    code = "no_api_key"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. `text` exists in memory only: show it once, store it nowhere."""

    row: ApiKey
    text: str = field(repr=False)


@transaction.atomic
def issue(*, tenant: Tenant, user: User | None, now: datetime) -> IssuedKey:
    """Make the tenant's first key; it opens nothing until `activate`.

    :raises django.db.IntegrityError: the tenant has one; `rotate` replaces it.
    """
    issued = _create(tenant=tenant, user=user, status=ApiKeyStatus.INACTIVE)
    actor = user.public_id if user else audit.SYSTEM
    audit.record(
        action="api_key.issued",
        actor=actor,
        now=now,
        tenant=tenant,
        target=issued.row.public_id,
    )
    return issued


def activate(*, tenant: Tenant, now: datetime, actor: str = audit.SYSTEM) -> ApiKey:
    """Turn the tenant's key on; an active one stays as it is.

    :raises NoApiKey: there is nothing to turn on.
    """
    return _switch(tenant=tenant, to=ApiKeyStatus.ACTIVE, now=now, actor=actor)


def deactivate(*, tenant: Tenant, now: datetime, actor: str = audit.SYSTEM) -> ApiKey:
    """Turn the tenant's key off everywhere; an inactive one stays as it is.

    :raises NoApiKey: there is nothing to turn off.
    """
    return _switch(tenant=tenant, to=ApiKeyStatus.INACTIVE, now=now, actor=actor)


@transaction.atomic
def rotate(*, tenant: Tenant, user: User | None, now: datetime) -> IssuedKey:
    """Replace the tenant's key; the old one is dead when this commits.

    The new key is on if the old one was: what was paid for stays paid for.

    :raises NoApiKey: there is nothing to replace.
    """
    old = _lock_current(tenant)
    status = ApiKeyStatus(old.status)
    _write_status(old, ApiKeyStatus.REVOKED)
    issued = _create(tenant=tenant, user=user, status=status)
    audit.record(
        action="api_key.rotated",
        actor=user.public_id if user else audit.SYSTEM,
        now=now,
        tenant=tenant,
        target=issued.row.public_id,
        replaced=old.public_id,
    )
    _emit("api_key.rotated", old, tenant)
    return issued


@transaction.atomic
def _switch(*, tenant: Tenant, to: ApiKeyStatus, now: datetime, actor: str) -> ApiKey:
    key = _lock_current(tenant)
    if key.status == to:
        return key
    _write_status(key, to)
    name = "api_key.activated" if to == ApiKeyStatus.ACTIVE else "api_key.deactivated"
    audit.record(action=name, actor=actor, now=now, tenant=tenant, target=key.public_id)
    _emit(name, key, tenant)
    return key


def _lock_current(tenant: Tenant) -> ApiKey:
    """Let one change of the tenant's key happen at a time.

    The tenant's row is what they queue for: a key's own row may have been replaced while one
    waited for it, and a payment must turn on the key that is current after the wait.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    key = selectors.current_api_key(tenant=tenant)
    if key is None:
        raise NoApiKey("This workspace has no API key.")
    return key


def _write_status(key: ApiKey, status: ApiKeyStatus) -> None:
    key.status = status
    key.save(update_fields=["status"])
    selectors.forget(key.public_id)


def _create(*, tenant: Tenant, user: User | None, status: ApiKeyStatus) -> IssuedKey:
    key = formats.mint(formats.KeyType.API_KEY)
    pepper_id, digest = crypto.digest(key.secret)
    row = ApiKey.objects.create(
        tenant=tenant,
        created_by=user,
        status=status,
        key_id=key.key_id,
        digest=digest,
        pepper_id=pepper_id,
        hint=key.hint,
    )
    return IssuedKey(row, key.render())


def _emit(name: str, key: ApiKey, tenant: Tenant) -> None:
    emit(
        name,
        tenant_id=tenant.pk,
        shard=f"tenant:{tenant.public_id}",
        credential_id=key.public_id,
    )
