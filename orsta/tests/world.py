"""Two tenants, everybody who may call, and every credential that opens nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import keys as formats
from accounts.authentication import COOKIE
from accounts.models import ApiKey, ApiKeyStatus, Tenant
from accounts.services import keys
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_member,
    make_service_key,
    make_tenant,
)
from billing.models import Payment
from sessions_app.contacts.models import ContactSync
from sessions_app.messaging.models import Message
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command, PairingChallenge, Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions.models import Subscription
from subscriptions.tests.factories import make_plan, subscribe

CODE = "https://wa.me/settings/linked_devices#2@secret-of-alice"
UNKNOWN = "ses_00000000000000000000000000"


@dataclass
class World:
    """Alice owns Acme, Bob is a member, Charlie owns another tenant; both have a session."""

    acme: Tenant
    session: Session
    strangers_session: Session
    message_id: str
    headers: dict[str, dict[str, str]]
    cookies: dict[str, str]

    def snapshot(self, *tenants: Tenant) -> Any:
        """Return what a refused call must leave as it was, of some tenants or of all."""
        models = (Session, ApiKey, Subscription, Payment, Command, ContactSync, Message)
        volatile = {"last_used_at"}
        of = {"tenant__in": tenants} if tenants else {}
        return [
            [
                {name: value for name, value in row.items() if name not in volatile}
                for row in model.objects.filter(**of).order_by("pk").values()
            ]
            for model in models
        ]

    def client(self, caller: str, *, browser: bool = False) -> Client:
        """Return a client that sends the caller's credential, as a browser has it if asked."""
        if not browser:
            return Client(headers=self.headers.get(caller, {}))
        client = Client()
        if token := self.cookies.get(caller):
            client.cookies[COOKIE] = token
        return client


def make_world(status: str = SessionStatus.CONNECTED, *, paid: bool = True) -> World:
    """Build it anew; the sessions are in `status`."""
    acme, others = make_tenant("Acme"), make_tenant("Strangers")
    for tenant in (acme, others):
        if paid:
            subscribe(tenant)
        make_plan()
    session, strangers_session = (
        make_session(tenant=tenant, status=status) for tenant in (acme, others)
    )
    now = timezone.now()
    if status == SessionStatus.PAIRING:
        PairingChallenge.objects.create(
            session=session, text=CODE, seq=1, issued_at=now, expires_at=now + timedelta(60)
        )
    message = make_message(session, text="for Acme's eyes")
    alice, bob = make_login(acme), make_login(acme, make_member(acme))
    charlie = make_login(others)
    ended = make_login(acme)
    ended.row.revoked_at = now
    ended.row.save()
    logins = {"owner": alice.token, "member": bob.token, "stranger": charlie.token}
    programs = {
        "key": make_api_key(acme).text,
        "stranger's key": make_api_key(others).text,
        "wrong key": formats.mint(formats.KeyType.API_KEY).render(),
        "garbage": "ork_not-a-key",
        "inactive key": make_api_key(active=False).text,
        "revoked key": _revoked_key(),
        "service key as key": make_service_key().text,
    }
    return World(
        acme=acme,
        session=session,
        strangers_session=strangers_session,
        message_id=message.public_id,
        headers={name: {"authorization": f"Bearer {token}"} for name, token in logins.items()}
        | {"logged out": {"authorization": f"Bearer {ended.token}"}}
        | {name: {"x-api-key": text} for name, text in programs.items()}
        | {"service": {"x-internal-api-key": make_service_key().text}},
        cookies=logins | {"logged out": ended.token},
    )


def _revoked_key() -> str:
    issued = make_api_key()
    keys.rotate(tenant=issued.row.tenant, user=None, now=timezone.now())
    assert ApiKey.objects.get(pk=issued.row.pk).status == ApiKeyStatus.REVOKED
    return issued.text


def routes() -> Iterator[str]:
    """Yield every route of the service, without what Django's admin serves."""
    yield from _walk(get_resolver(settings.ROOT_URLCONF).url_patterns, "")


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from _walk(pattern.url_patterns, route)
        else:
            yield route
