"""What a person or a tenant has, as `/auth/me`, the console and the services ask for it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts import keys
from accounts.models import ApiKey, ApiKeyState, Membership, Tenant, User
from accounts.principal import Principal
from orsta.core import errors


class UnknownKey(errors.Missing):
    """There is no such API key in this workspace."""

    code = "api_key_not_found"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a principal may read about itself; a key without a person has no user or role."""

    tenant: Tenant
    user: User | None
    role: str
    api_key: ApiKey | None


def current_api_key(*, tenant: Tenant) -> ApiKey | None:
    """Return the tenant's first key that is still good: the `eakey` of the first API."""
    unended = Q(expires_at=None) | Q(expires_at__gt=Now())
    found = api_keys_of(tenant).filter(unended, replaced_by=None).order_by("pk")
    key: ApiKey | None = found.first()
    return key


def api_keys_of(tenant: Tenant) -> QuerySet[ApiKey]:
    """Return the tenant's keys that are not revoked; some may have expired."""
    return ApiKey.objects.for_tenant(tenant).filter(revoked_at=None)


def unended_keys_of(tenant: Tenant, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the tenant's keys that are good, if its API is on; a replaced one may be."""
    return api_keys_of(tenant).filter(Q(expires_at=None) | Q(expires_at__gt=now))


def keys_in_state(tenant: Tenant, state: str, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the tenant's keys in one `ApiKeyState`; "" is all that are not revoked."""
    unended = Q(expires_at=None) | Q(expires_at__gt=now)
    conditions = {
        "": Q(revoked_at=None),
        ApiKeyState.LIVING: Q(revoked_at=None, replaced_by=None) & unended,
        ApiKeyState.ENDING: Q(revoked_at=None, replaced_by__isnull=False) & unended,
        ApiKeyState.EXPIRED: Q(revoked_at=None, expires_at__lte=now),
        ApiKeyState.REVOKED: Q(revoked_at__isnull=False),
    }
    return _keys_of(tenant).filter(conditions[state])


def api_key_of(tenant: Tenant, public_id: str) -> ApiKey:
    """Return one of the tenant's keys, a revoked one too.

    :raises UnknownKey: it does not exist, or is another tenant's.
    """
    key: ApiKey | None = _keys_of(tenant).filter(public_id=public_id).first()
    if key is None:
        raise UnknownKey("There is no such API key.")
    return key


def _keys_of(tenant: Tenant) -> QuerySet[ApiKey]:
    """Return every key with what is shown beside it."""
    return ApiKey.objects.for_tenant(tenant).select_related(
        "tenant", "created_by", "replaced_by"
    )


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
