"""The whole way with the engine of WuzAPI: placed, prepared, heard, surveyed, moved."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sessions_app import wiring
from sessions_app.engines import registry
from sessions_app.engines.tests.fake_gateway import FakeGateway, hooks
from sessions_app.engines.tests.fake_gateway.gateway import ADMIN_TOKEN
from sessions_app.engines.tests.fake_gateway.server import serve
from sessions_app.models import InboxEntry
from sessions_app.services import gateways, inbox, provisioning, surveys
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer
from sessions_app.tests.fake_gateways import make_gateway

pytestmark = pytest.mark.django_db
BY = {"actor": "usr_staff", "reason": "maintenance"}


@pytest.fixture
def server():
    with serve(FakeGateway()) as gateway:
        yield gateway


@pytest.fixture
def session(server):
    """A session that was made through the API's service and prepared by a worker."""
    registry.configure(wiring.engine_options() | {"wuzapi": {}})
    make_gateway(engine="wuzapi", address=server.address, token=ADMIN_TOKEN)
    session = provisioning.create_session(
        tenant=make_customer(), now=timezone.now(), name="shop", engine="wuzapi"
    )
    provisioning.provision(session_id=session.pk, now=timezone.now())
    session.refresh_from_db()
    yield session
    registry.configure(wiring.engine_options())


def deliver(post) -> int:
    path = post.url.partition("//")[2].partition("/")[2]
    headers = {name: value for name, value in post.headers.items() if name != "content-type"}
    kind = post.headers["content-type"]
    return Client().post(f"/{path}", post.body, content_type=kind, headers=headers).status_code


def test_preparing_a_session_makes_it_in_its_gateway(session, server):
    assert server.has(session.public_id)
    assert session.status == SessionStatus.STARTING


@pytest.mark.parametrize("form", [True, False])
def test_a_webhook_is_heard_in_both_shapes_if_it_is_signed(session, server, form):
    user = server.user(session.public_id)
    event = {"type": "Connected", "event": {}}
    post = hooks.compose(user, event, form=form)

    assert deliver(post) == 200
    post.headers["x-hmac-signature"] = "0" * 64
    assert deliver(post) == 401

    (entry,) = inbox.waiting(session_ids=[session.pk], limit=9)[session.pk]
    assert inbox.payload_of(entry)["type"] == "Connected"


def test_a_survey_tells_a_session_that_is_not_what_we_think(session, server):
    session.status, session.jid = SessionStatus.CONNECTED, "1@s.whatsapp.net"
    session.save()
    later = timezone.now() + timedelta(minutes=1)

    found = surveys.survey(gateway_id=session.gateway_id, now=later)

    assert found == surveys.Findings(told=1, lost=0)
    assert InboxEntry.objects.filter(session=session).count() == 1


def test_a_session_that_moves_leaves_nothing_behind(session, server):
    with serve(FakeGateway()) as other:
        target = make_gateway(engine="wuzapi", address=other.address, token=ADMIN_TOKEN)
        left = session.gateway.public_id
        session.status = SessionStatus.STOPPED
        session.save()

        gateways.move(session=session, now=timezone.now(), **BY)
        provisioning.provision(session_id=session.pk, now=timezone.now())
        gateways.clear_place(session_id=session.public_id, gateway_id=left)

        session.refresh_from_db()
        assert session.gateway == target
        assert other.has(session.public_id)
        assert not server.has(session.public_id)
