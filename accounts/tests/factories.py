"""Builders of people, tenants and credentials."""

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, LoginSession, Membership, Role, ServiceKey, Tenant, User
from accounts.services import keys, login, service_keys

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Login:
    """A person who is logged in, and the token in plain text."""

    user: User
    tenant: Tenant
    token: str
    row: LoginSession
    refresh: str = ""


def make_user(username: str | None = None, **fields: object) -> User:
    """Save a person with `PASSWORD` and no tenant."""
    name = username or f"alice{next(_numbers)}"
    fields = {"email": f"{name}@example.com", "password": PASSWORD} | fields
    return User.objects.create_user(username=name, **fields)


def make_member(tenant: Tenant, user: User | None = None, role: Role = Role.DEVELOPER) -> User:
    """Make somebody a member of a tenant."""
    member = user or make_user()
    Membership.objects.create(tenant=tenant, user=member, role=role)
    return member


def make_tenant(name: str = "Acme", *, owner: User | None = None, **fields: Any) -> Tenant:
    """Save a tenant with an owner, and no API key."""
    tenant = Tenant.objects.create(name=name, **fields)
    make_member(tenant, owner, Role.OWNER)
    return tenant


def owner_of(tenant: Tenant) -> User:
    """Return the person who owns a tenant: the first of its owners."""
    owners = Membership.objects.for_tenant(tenant).filter(role=Role.OWNER)
    return owners.select_related("user").earliest("pk").user


def make_login(
    tenant: Tenant | None = None, user: User | None = None, *, now: datetime | None = None
) -> Login:
    """Log a member in, the owner by default."""
    now = now or timezone.now()
    tenant = tenant or make_tenant(owner=user)
    user = user or owner_of(tenant)
    opened = login.open_session(user=user, tenant=tenant, ip=None, user_agent="", now=now)
    row = selectors.login_session_of(opened.access, now=now)
    return Login(user, tenant, opened.access, row, opened.refresh)


def make_api_key(
    tenant: Tenant | None = None,
    *,
    active: bool = True,
    user: User | None = None,
    expires_at: datetime | None = None,
    **limits: Any,
) -> keys.IssuedKey:
    """Issue a key, active by default; `.text` is what a program sends.

    :param expires_at: also a moment that is past.
    :param limits: `name`, `scopes`, `session_ids`, `networks`.
    """
    tenant = tenant or make_tenant()
    now = timezone.now()
    issued = keys.issue(tenant=tenant, user=user or owner_of(tenant), now=now, **limits)
    if active:
        keys.activate(tenant=tenant, now=now)
    ApiKey.objects.filter(pk=issued.row.pk).update(expires_at=expires_at)
    row = ApiKey.objects.select_related("tenant").get(pk=issued.row.pk)
    return keys.IssuedKey(row, issued.text)


def make_service_key(
    source: str = "", *, name: str = "", expires_at: datetime | None = None
) -> service_keys.IssuedServiceKey:
    """Issue a service key; "" is the global one."""
    issued = service_keys.issue(source=source, name=name, now=timezone.now())
    ServiceKey.objects.filter(pk=issued.row.pk).update(expires_at=expires_at)
    return service_keys.IssuedServiceKey(ServiceKey.objects.get(pk=issued.row.pk), issued.text)
