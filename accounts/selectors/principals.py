"""Who a credential belongs to.

Authentication comes before any tenant is known, so it alone reads across tenants.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts import environment_keys, key_limits, keys
from accounts.models import (
    ApiKey,
    LoginSession,
    Membership,
    ServiceKey,
    Tenant,
    TenantStatus,
    User,
)
from accounts.principal import Principal, PrincipalKind, Restriction, ServicePrincipal
from accounts.principal_cache import Known, PrincipalCache
from accounts.roles import ENDING, GRANTS, READ_ONLY, Role
from accounts.selectors.lookup import digest_is, find, note_use, parse

_cache = PrincipalCache()


def principal_of_token(text: str, *, now: datetime) -> Principal | None:
    """Return who logged in with this token; always asks the database, so logout is at once."""
    login = login_session_of(text, now=now)
    if login is None:
        return None
    note_use(login, now=now)
    return principal_of_login(login)


def principal_of_login(login: LoginSession) -> Principal:
    """Return what an open login may do: its person's role decides, unless it is restricted.

    :param login: with the annotation `role`, as `login_session_of` returns it.
    """
    role = Role(login.role)  # type: ignore[attr-defined]
    restriction = _restriction(login.tenant, login.user)
    scopes = GRANTS[role]
    return Principal(
        kind=PrincipalKind.LOGIN,
        credential_id=login.public_id,
        tenant=login.tenant,
        user=login.user,
        scopes=scopes & _left(login.tenant, restriction) if restriction else scopes,
        role=role,
        restriction=restriction,
    )


def _left(tenant: Tenant, restriction: Restriction) -> frozenset[str]:
    ending = restriction == Restriction.SUSPENDED and tenant.status == TenantStatus.DELETING
    return ENDING if ending else READ_ONLY


def _restriction(tenant: Tenant, user: User) -> Restriction:
    if not tenant.is_active:
        return Restriction.SUSPENDED
    if settings.ORSTA_REQUIRE_VERIFIED_EMAIL and user.email_verified_at is None:
        return Restriction.UNVERIFIED
    return Restriction.NONE


def login_session_of(text: str, *, now: datetime) -> LoginSession | None:
    """Return the open login of a token, with its user and tenant."""
    return find(_open_logins(now=now), text, keys.KeyType.LOGIN_TOKEN)


def principal_of_api_key(text: str, *, now: datetime) -> Principal | None:
    """Return the tenant an active API key acts for, from memory if asked a moment ago."""
    key = parse(text, keys.KeyType.API_KEY)
    if key is None:
        return None
    known = _cache.get(key.key_id, now=now)
    if known is not None:
        good = digest_is(known.digest, known.pepper_id, key.secret)
        return known.principal if good else None
    generation = _cache.generation
    row = find(_working_api_keys(now=now), text, keys.KeyType.API_KEY)
    if row is None:
        return None
    note_use(row, now=now)
    principal = principal_of_key_row(row)
    known = Known(
        principal, now, digest=row.digest, pepper_id=row.pepper_id, expires_at=row.expires_at
    )
    _cache.keep(key.key_id, known, generation=generation)
    return principal


def principal_of_key_row(row: ApiKey) -> Principal:
    """Return what a working key may do."""
    return Principal(
        kind=PrincipalKind.API_KEY,
        credential_id=row.public_id,
        tenant=row.tenant,
        user=row.created_by,
        scopes=key_limits.expand(row.scopes),
        session_ids=frozenset(row.session_ids) or None,
        networks=tuple(row.networks),
    )


def living_api_key(text: str, *, now: datetime) -> ApiKey | None:
    """Return the row of a genuine, living API key, whose tenant may be off or suspended."""
    return find(_living_api_keys(now=now).select_related("tenant"), text, keys.KeyType.API_KEY)


def principal_of_service_key(text: str, *, now: datetime) -> ServicePrincipal | None:
    """Return the sibling service that a key speaks for; at most one query, never cached."""
    known = environment_keys.find(text, settings.INTERNAL_API_KEYS)
    if known is not None:
        return ServicePrincipal(credential_id=known.credential_id, source=known.source)
    unended = Q(expires_at=None) | Q(expires_at__gt=now)
    open_ = ServiceKey.objects.filter(unended, revoked_at=None)
    row = find(open_, text, keys.KeyType.SERVICE_KEY)
    if row is None:
        return None
    note_use(row, now=now)
    return ServicePrincipal(credential_id=row.public_id, source=row.source)


def is_valid(principal: Principal, *, now: datetime) -> bool:
    """Say whether what let an open socket in still gives it the same.

    It does not after a revocation, and neither after a change of scopes, sessions, networks,
    role or tenant: the client comes back with what it has now. Cheap enough to ask for every
    frame: the row is remembered for as long as that of an API key.
    """
    known = _cache.get(principal.credential_id, now=now)
    if known is None:
        known = _known_now(principal, now=now)
    return known is not None and known.principal.has_powers_of(principal)


def _known_now(principal: Principal, *, now: datetime) -> Known | None:
    generation = _cache.generation
    found = _row_behind(principal, now=now)
    if found is None:
        return None
    current = (
        principal_of_login(found)
        if isinstance(found, LoginSession)
        else principal_of_key_row(found)
    )
    known = Known(current, now, expires_at=found.expires_at)
    _cache.keep(principal.credential_id, known, generation=generation)
    return known


def _row_behind(principal: Principal, *, now: datetime) -> ApiKey | LoginSession | None:
    named = Q(public_id=principal.credential_id)
    if principal.kind == PrincipalKind.LOGIN:
        return _open_logins(now=now).filter(named).first()
    return _working_api_keys(now=now).filter(named).first()


def forget(credential_id: str) -> None:
    """Stop remembering a credential in this process, now and when the transaction commits.

    Twice, because another thread may read the old row in between.
    """
    _cache.forget(credential_id)
    transaction.on_commit(lambda: _cache.forget(credential_id), robust=True)


def _open_logins(*, now: datetime) -> QuerySet[LoginSession]:
    member = Membership.objects.filter(tenant=OuterRef("tenant"), user=OuterRef("user"))
    rows: QuerySet[LoginSession] = (
        LoginSession.objects.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)
        .exclude(tenant__status=TenantStatus.PURGED)
        .annotate(role=Subquery(member.values("role")[:1]))
        .filter(role__isnull=False)
        .select_related("user", "tenant")
    )
    return rows


def _living_api_keys(*, now: datetime) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


def _working_api_keys(*, now: datetime) -> QuerySet[ApiKey]:
    """A key outlives the member who made it, but not the last active member of its tenant.

    Tenants of sibling services have no members; their service speaks for them.
    """
    somebody = Membership.objects.filter(tenant=OuterRef("tenant"), user__is_active=True)
    return (
        _living_api_keys(now=now)
        .filter(
            Exists(somebody) | ~Q(tenant__source=""),
            tenant__api_enabled=True,
            tenant__status=TenantStatus.ACTIVE,
        )
        .select_related("tenant", "created_by")
    )
