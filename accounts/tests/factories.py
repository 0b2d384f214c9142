"""Builders of people, tenants and credentials."""

import itertools
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, LoginSession, Membership, Role, Tenant, User
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


def make_user(username: str | None = None, **fields: object) -> User:
    """Save a person with `PASSWORD` and no tenant."""
    name = username or f"alice{next(_numbers)}"
    fields = {"email": f"{name}@example.com", "password": PASSWORD} | fields
    return User.objects.create_user(username=name, **fields)


def make_member(tenant: Tenant, user: User | None = None, role: Role = Role.MEMBER) -> User:
    """Make somebody a member of a tenant."""
    member = user or make_user()
    Membership.objects.create(tenant=tenant, user=member, role=role)
    return member


def make_tenant(name: str = "Acme", *, owner: User | None = None) -> Tenant:
    """Save a tenant with an owner, and no API key."""
    tenant = Tenant.objects.create(name=name)
    make_member(tenant, owner, Role.OWNER)
    return tenant


def owner_of(tenant: Tenant) -> User:
    """Return the person who owns a tenant."""
    return User.objects.get(memberships__tenant=tenant, memberships__role=Role.OWNER)


def make_login(
    tenant: Tenant | None = None, user: User | None = None, *, now: datetime | None = None
) -> Login:
    """Log a member in, the owner by default."""
    now = now or timezone.now()
    tenant = tenant or make_tenant(owner=user)
    user = user or owner_of(tenant)
    token = login.open_session(user=user, tenant=tenant, ip=None, user_agent="", now=now)
    row = selectors.login_session_of(token, now=now)
    return Login(user, tenant, token, row)


def make_api_key(tenant: Tenant | None = None, *, active: bool = True) -> keys.IssuedKey:
    """Issue the tenant's key, active by default; `.text` is what a program sends."""
    tenant = tenant or make_tenant()
    now = timezone.now()
    issued = keys.issue(tenant=tenant, user=owner_of(tenant), now=now)
    if active:
        keys.activate(tenant=tenant, now=now)
    return keys.IssuedKey(ApiKey.objects.get(pk=issued.row.pk), issued.text)


def make_service_key(source: str = "") -> service_keys.IssuedServiceKey:
    """Issue a service key; "" is the global one."""
    return service_keys.issue(source=source, now=timezone.now())
