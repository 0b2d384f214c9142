"""What staff look at: a world with rows in every table that the admin shows."""

from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import mail
from accounts.tests.factories import (
    make_api_key,
    make_service_key,
    make_tenant,
    make_user,
)
from billing.services import payments
from orsta.tests.world import CODE, World, make_world
from sessions_app.contacts.services import syncing
from sessions_app.contacts.tests.factories import make_contact
from sessions_app.models import Runner
from sessions_app.services import inbox, lifecycle
from sessions_app.states import SessionStatus
from sessions_app.tests.fake_gateways import make_gateway, make_proxy
from subscriptions.services import overrides, quotas

GATEWAY_TOKEN, PROXY_PASSWORD = "a gateway's token", "a proxy's password"


def url(model: Any, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def logged_in(**fields: object) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, **fields))
    return client


def make_filled_world() -> World:
    """Build one with several rows in each."""
    now = timezone.now()
    for number in range(3):
        world = make_world(SessionStatus.CONNECTED)
        make_contact(world.session)
        syncing.request_sync(session=world.session, now=now)
        lifecycle.reconnect(session=world.session, now=now)
        quotas.reserve(tenant=world.acme, feature="SESSIONS", now=now)
        own = {"feature": "AGENTS", "limit": number, "expires_at": None, "reason": "Pilot"}
        overrides.set_limit(tenant=world.acme, actor="usr_staff", now=now, **own)
        owner = world.acme.members.first()
        payments.enable_api_key(tenant=make_paying(owner), user=owner, now=now)
        Runner.objects.create(
            node=f"host:{number}", version="1", capacity=1, started_at=now, heartbeat_at=now
        )
        Group.objects.create(name=f"Support {number}")
        make_gateway(token=GATEWAY_TOKEN, engine="wuzapi")
        make_proxy(url=f"http://anna:{PROXY_PASSWORD}@10.0.0.{number}:3128")
        inbox.receive(
            session_id=world.session.pk, dedupe_key="1", payload={"code": CODE}, now=now
        )
        make_service_key(f"shop-{number}")
        values = {"username": "alice", "code": "123456", "url": "https://orsta.example/"}
        mail.queue(template="verify_email", to="a@example.com", context=values, now=now)
    pairing = make_world(SessionStatus.PAIRING)
    assert pairing.session.challenge.text == CODE
    return world


def make_paying(owner: User) -> Any:
    tenant = make_tenant("Paying", owner=owner)
    make_api_key(tenant, active=False)
    return tenant
