"""Who a credential belongs to, and what a person or a tenant has of them.

Authentication comes before any tenant is known, so it alone reads across tenants.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import keys
from accounts.models import (
    ApiKey,
    ApiKeyStatus,
    LoginSession,
    Membership,
    ServiceKey,
    Tenant,
    User,
)
from accounts.principal import Principal, PrincipalKind, ServicePrincipal
from accounts.principal_cache import Known, PrincipalCache
from orsta.core import crypto

USE_PRECISION = timedelta(minutes=1)  # last_used_at is written no more often than this

_CredentialT = TypeVar("_CredentialT", ApiKey, LoginSession, ServiceKey)
_cache = PrincipalCache()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a principal may read about itself; a key without a person has no user or role."""

    tenant: Tenant
    user: User | None
    role: str
    api_key: ApiKey | None


def principal_of_token(text: str, *, now: datetime) -> Principal | None:
    """Return who logged in with this token; always asks the database, so logout is at once."""
    login = login_session_of(text, now=now)
    if login is None:
        return None
    _note_use(login, now=now)
    return Principal(PrincipalKind.LOGIN, login.public_id, login.tenant, login.user)


def login_session_of(text: str, *, now: datetime) -> LoginSession | None:
    """Return the open login of a token, with its user and tenant."""
    return _find(_open_logins(now=now), text, keys.KeyType.LOGIN_TOKEN)


def principal_of_api_key(text: str, *, now: datetime) -> Principal | None:
    """Return the tenant an active API key acts for, from memory if asked a moment ago."""
    key = _parse(text, keys.KeyType.API_KEY)
    if key is None:
        return None
    known = _cache.get(key.key_id, now=now)
    if known is not None:
        good = _digest_is(known.digest, known.pepper_id, key.secret)
        return known.principal if good else None
    generation = _cache.generation
    row = _find(_working_api_keys(), text, keys.KeyType.API_KEY)
    if row is None:
        return None
    _note_use(row, now=now)
    principal = Principal(PrincipalKind.API_KEY, row.public_id, row.tenant, row.created_by)
    known = Known(principal, now, digest=row.digest, pepper_id=row.pepper_id)
    _cache.keep(key.key_id, known, generation=generation)
    return principal


def is_switched_off(text: str) -> bool:
    """Say whether this is a genuine API key that is only not activated."""
    inactive = ApiKey.objects.filter(status=ApiKeyStatus.INACTIVE)
    return _find(inactive, text, keys.KeyType.API_KEY) is not None


def principal_of_service_key(text: str, *, now: datetime) -> ServicePrincipal | None:
    """Return the sibling service that a service key speaks for; one query, never cached."""
    row = _find(ServiceKey.objects.filter(revoked_at=None), text, keys.KeyType.SERVICE_KEY)
    if row is None:
        return None
    _note_use(row, now=now)
    return ServicePrincipal(credential_id=row.public_id, source=row.source)


def is_valid(principal: Principal, *, now: datetime) -> bool:
    """Say whether the credential behind an open socket still works.

    Cheap enough to ask for every frame: a yes is remembered for as long as an API key is.
    """
    if _cache.get(principal.credential_id, now=now) is not None:
        return True
    generation = _cache.generation
    rows: QuerySet[ApiKey] | QuerySet[LoginSession] = (
        _open_logins(now=now) if principal.kind == PrincipalKind.LOGIN else _working_api_keys()
    )
    row = rows.filter(public_id=principal.credential_id).first()
    if row is None:
        return False
    known = Known(principal, now, expires_at=getattr(row, "expires_at", None))
    _cache.keep(principal.credential_id, known, generation=generation)
    return True


def forget(credential_id: str) -> None:
    """Stop remembering a credential in this process, now and when the transaction commits.

    Twice, because another thread may read the old row in between.
    """
    _cache.forget(credential_id)
    transaction.on_commit(lambda: _cache.forget(credential_id), robust=True)


def current_api_key(*, tenant: Tenant) -> ApiKey | None:
    """Return the tenant's key that is not revoked; a constraint keeps it the only one."""
    found = ApiKey.objects.for_tenant(tenant).exclude(status=ApiKeyStatus.REVOKED)
    key: ApiKey | None = found.first()
    return key


def masked_key(key: ApiKey) -> str:
    """Return what may be shown of a key after its first moment."""
    return keys.mask(type_=keys.KeyType.API_KEY, key_id=key.key_id, hint=key.hint)


def tenant_of(user: User) -> Tenant | None:
    """Return the tenant a person works for: the first it joined; None for mere staff."""
    first = Membership.objects.filter(user=user).select_related("tenant").order_by("pk").first()
    return first.tenant if first else None


def profile_of(principal: Principal) -> Profile:
    """Return what `/auth/me` tells: two queries."""
    memberships = Membership.objects.for_tenant(principal.tenant).filter(user=principal.user)
    return Profile(
        tenant=principal.tenant,
        user=principal.user,
        role=memberships.values_list("role", flat=True).first() or "",
        api_key=current_api_key(tenant=principal.tenant),
    )


def _open_logins(*, now: datetime) -> QuerySet[LoginSession]:
    member = Membership.objects.filter(tenant=OuterRef("tenant"), user=OuterRef("user"))
    return LoginSession.objects.filter(
        Exists(member), revoked_at=None, expires_at__gt=now, user__is_active=True
    ).select_related("user", "tenant")


def _working_api_keys() -> QuerySet[ApiKey]:
    """A key outlives the member who made it, but not the last active member of its tenant."""
    somebody = Membership.objects.filter(tenant=OuterRef("tenant"), user__is_active=True)
    return ApiKey.objects.filter(Exists(somebody), status=ApiKeyStatus.ACTIVE).select_related(
        "tenant", "created_by"
    )


def _find(rows: QuerySet[_CredentialT], text: str, type_: keys.KeyType) -> _CredentialT | None:
    key = _parse(text, type_)
    if key is None:
        return None
    row = rows.filter(key_id=key.key_id).first()
    if row is None or not _digest_is(row.digest, row.pepper_id, key.secret):
        return None
    return row


def _parse(text: str, type_: keys.KeyType) -> keys.Key | None:
    try:
        key = keys.parse(text)
    except keys.MalformedKey:
        return None
    return key if key.type == type_ else None


def _digest_is(digest: str, pepper_id: str, secret: str) -> bool:
    try:
        _, presented = crypto.digest(secret, pepper_id=pepper_id)
    except KeyError:  # its pepper was retired, and every credential made with it
        return False
    return hmac.compare_digest(digest, presented)


def _note_use(row: ApiKey | LoginSession | ServiceKey, *, now: datetime) -> None:
    since = now - USE_PRECISION
    if row.last_used_at is None or row.last_used_at <= since:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=since)
        type(row).objects.filter(stale, pk=row.pk).update(last_used_at=now)
