"""A tenant's API keys: made, changed, rotated, revoked; money turns all on and off together.

Whatever changes a key or how many there are holds the tenant's row, so that two at once take
turns. What the present holder may do is in `accounts.principal_cache` for some seconds: every
change drops it here at once, and elsewhere it is forgotten in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import key_limits, selectors
from accounts import keys as formats
from accounts.models import ApiKey, Tenant, User
from accounts.services import audit, tokens
from orsta.core import errors
from orsta.core.outbox.services import NewEvent, emit, emit_many

MAX_LIVING = 50  # per tenant; who needs more wants sessions' own keys, or forgets to revoke
MAX_OVERLAP = timedelta(days=7)


class NoApiKey(errors.Missing):
    """The tenant has no API key."""

    code = "no_api_key"


class KeyEnded(errors.Conflict):
    """The API key is no more, or has a successor."""

    code = "api_key_ended"


class TooManyKeys(errors.Conflict):
    """The workspace has as many API keys as it may; revoke one first."""

    code = "too_many_api_keys"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. `text` exists in memory only: show it once, store it nowhere."""

    row: ApiKey
    text: str = field(repr=False)


@transaction.atomic
def issue(
    *,
    tenant: Tenant,
    user: User | None,
    now: datetime,
    name: str = "default",
    scopes: Sequence[str] = ("*",),
    session_ids: Sequence[str] = (),
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
    granter: frozenset[str] | None = None,
    actor: str = "",
) -> IssuedKey:
    """Make a key. It opens nothing while the tenant's API is off.

    :param granter: the scopes of whoever asks, who cannot give more; None gives all.
    :raises key_limits.InvalidKey: a limit of the key makes no sense.
    :raises key_limits.ScopeNotYours: it would do what the granter may not.
    :raises TooManyKeys: there are `MAX_LIVING` already.
    """
    columns = key_limits.check(
        now=now,
        granter=granter,
        name=name,
        scopes=scopes,
        session_ids=session_ids,
        networks=networks,
        expires_at=expires_at,
    )
    _make_room(tenant, now=now)
    issued = _create(tenant=tenant, created_by=user, **columns)
    audit.record(
        action="api_key.issued",
        actor=_actor(user, actor),
        now=now,
        tenant=tenant,
        target=issued.row.public_id,
        after=key_limits.shown(columns),
    )
    return issued


@transaction.atomic
def change(
    *,
    key: ApiKey,
    now: datetime,
    granter: frozenset[str] | None = None,
    actor: str = audit.SYSTEM,
    **changes: Any,
) -> ApiKey:
    """Change a key's name or limits; its open sockets come back with what it may then do.

    :param changes: any of `name`, `scopes`, `session_ids`, `networks`, `expires_at`.
    :raises key_limits.InvalidKey: a limit makes no sense.
    :raises key_limits.ScopeNotYours: it would do what the granter may not.
    :raises KeyEnded: it was revoked or replaced already.
    """
    row = _lock(key)
    columns = key_limits.check(now=now, granter=granter, **changes)
    before = {name: getattr(row, name) for name in columns}
    changed = {name: value for name, value in columns.items() if value != before[name]}
    if not changed:
        return row
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    selectors.forget(row.public_id)
    audit.record(
        action="api_key.changed",
        actor=actor,
        now=now,
        tenant=row.tenant,
        target=row.public_id,
        before=key_limits.shown({name: before[name] for name in changed}),
        after=key_limits.shown(changed),
    )
    return row


def activate(*, tenant: Tenant, now: datetime, actor: str = audit.SYSTEM) -> ApiKey:
    """Turn the tenant's API on; one that is on stays so. Return the first key.

    :raises NoApiKey: there is nothing to turn on.
    """
    return _switch(tenant=tenant, on=True, now=now, actor=actor)


def deactivate(*, tenant: Tenant, now: datetime, actor: str = audit.SYSTEM) -> ApiKey:
    """Turn the tenant's API off everywhere; one that is off stays so. Return the first key.

    :raises NoApiKey: there is nothing to turn off.
    """
    return _switch(tenant=tenant, on=False, now=now, actor=actor)


@transaction.atomic
def rotate(
    *,
    key: ApiKey,
    user: User | None,
    now: datetime,
    overlap: timedelta = timedelta(0),
    granter: frozenset[str] | None = None,
    actor: str = "",
) -> IssuedKey:
    """Replace a key by one that may do the same; both work during the overlap.

    :param overlap: up to `MAX_OVERLAP`; none ends the old one at once, its sockets too.
    :raises KeyEnded: it was revoked or replaced already, or has expired.
    :raises key_limits.ScopeNotYours: whoever asks would get a key that does more than they may.
    :raises TooManyKeys: there is no room for two of it.
    """
    old = _lock(key)
    if old.expires_at is not None and old.expires_at <= now:
        raise KeyEnded("This key has expired; make a new one.")
    key_limits.check_scopes(old.scopes, granter=granter)
    overlap = min(overlap, MAX_OVERLAP)
    if overlap:
        _make_room(old.tenant, now=now)
    issued = _create(
        tenant=old.tenant,
        created_by=user,
        name=old.name,
        scopes=old.scopes,
        session_ids=old.session_ids,
        networks=old.networks,
        expires_at=old.expires_at,
    )
    _end(old, successor=issued.row, at=now + overlap, now=now)
    audit.record(
        action="api_key.rotated",
        actor=_actor(user, actor),
        now=now,
        tenant=old.tenant,
        target=issued.row.public_id,
        replaced=old.public_id,
        overlap_seconds=int(overlap.total_seconds()),
    )
    return issued


@transaction.atomic
def revoke(*, key: ApiKey, now: datetime, actor: str = audit.SYSTEM) -> None:
    """End a key for good; a revoked one stays as it is."""
    living = ApiKey.objects.for_tenant(key.tenant).filter(pk=key.pk, revoked_at=None)
    if living.update(revoked_at=now) != 1:
        return
    selectors.forget(key.public_id)
    audit.record(
        action="api_key.revoked", actor=actor, now=now, tenant=key.tenant, target=key.public_id
    )
    _emit("api_key.revoked", key, key.tenant)


@transaction.atomic
def _switch(*, tenant: Tenant, on: bool, now: datetime, actor: str) -> ApiKey:
    key = selectors.current_api_key(tenant=tenant)
    if key is None:
        raise NoApiKey("This workspace has no API key.")
    moved = Tenant.objects.filter(pk=tenant.pk, api_enabled=not on)
    tenant.api_enabled = on
    if moved.update(api_enabled=on, updated_at=now) != 1:
        return key
    name = "api_key.activated" if on else "api_key.deactivated"
    audit.record(action=name, actor=actor, now=now, tenant=tenant, target=key.public_id)
    tell_all(tenant=tenant, name=name, now=now)
    return key


def tell_all(*, tenant: Tenant, name: str, now: datetime) -> None:
    """Forget a tenant's keys in this process, and tell every process's sockets of each.

    In the caller's transaction.

    :param name: of the events.
    """
    shard, events = f"tenant:{tenant.public_id}", []
    for key in selectors.unended_keys_of(tenant, now=now).order_by("pk"):
        selectors.forget(key.public_id)
        events.append(NewEvent(name, tenant.pk, shard, {"credential_id": key.public_id}))
    emit_many(events)


def _make_room(tenant: Tenant, *, now: datetime) -> None:
    """Hold the tenant's row, and refuse one key too many."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if selectors.unended_keys_of(tenant, now=now).count() >= MAX_LIVING:
        raise TooManyKeys(f"A workspace has up to {MAX_LIVING} API keys; revoke one first.")


def _lock(key: ApiKey) -> ApiKey:
    """Hold the tenant's row, then the key's: the order that everybody keeps."""
    Tenant.objects.select_for_update(no_key=True).get(pk=key.tenant_id)
    rows = ApiKey.objects.for_tenant(key.tenant).select_for_update(of=("self",))
    living = rows.select_related("tenant").filter(revoked_at=None, replaced_by=None)
    found: ApiKey | None = living.filter(pk=key.pk).first()
    if found is None:
        raise KeyEnded("This key was revoked or replaced already.")
    return found


def draft(*, tenant: Tenant, **columns: Any) -> IssuedKey:
    """Return a new key whose row is not saved, for callers that write many at once.

    :param columns: of the row; without `scopes` the key may do all that a key may.
    """
    key = formats.mint(formats.KeyType.API_KEY)
    row = ApiKey(tenant=tenant, **tokens.stored(key), **{"scopes": ["*"], **columns})
    return IssuedKey(row, key.render())


def _create(*, tenant: Tenant, **columns: Any) -> IssuedKey:
    issued = draft(tenant=tenant, **columns)
    issued.row.save(force_insert=True)
    return issued


def _end(old: ApiKey, *, successor: ApiKey, at: datetime, now: datetime) -> None:
    """Let a replaced key work until `at`; sockets of one that works on stay open until then."""
    old.replaced_by = successor
    if at > now:
        old.expires_at = min(at, old.expires_at or at)
    else:
        old.revoked_at = now
    old.save(update_fields=["replaced_by", "expires_at", "revoked_at"])
    selectors.forget(old.public_id)
    works_until = old.expires_at.isoformat() if at > now and old.expires_at else None
    _emit("api_key.rotated", old, old.tenant, works_until=works_until)


def _emit(name: str, key: ApiKey, tenant: Tenant, **payload: Any) -> None:
    emit(
        name,
        tenant_id=tenant.pk,
        shard=f"tenant:{tenant.public_id}",
        credential_id=key.public_id,
        **payload,
    )


def _actor(user: User | None, actor: str) -> str:
    return actor or (user.public_id if user else audit.SYSTEM)
