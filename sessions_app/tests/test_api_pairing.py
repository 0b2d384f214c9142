"""`/v1/sessions/{id}/…`: linking a device, as a customer's program does it."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Tenant
from sessions_app.api import waiting
from sessions_app.engines import events
from sessions_app.ingest.states import observe
from sessions_app.models import Command, Session
from sessions_app.services import lifecycle, pairing, provisioning
from sessions_app.states import CommandKind, SessionStatus
from sessions_app.tests.factories import finish, make_customer, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
MINUTE = timedelta(minutes=1)


@pytest.fixture
def tenant() -> Tenant:
    """A customer in Brazil."""
    tenant = make_customer()
    tenant.default_country = "BR"
    tenant.save(update_fields=["default_country"])
    return tenant


def path(session: Session, name: str) -> str:
    """Return where something of the session is."""
    return f"/v1/sessions/{session.public_id}/{name}"


def show_qr(session: Session) -> None:
    """Let the engine show a QR code."""
    session = Session.objects.get(pk=session.pk)
    code = events.ChallengeIssued("code 1", 1, MINUTE)
    observe(session, code, now=timezone.now(), epoch=1)


def test_a_code_that_is_there_comes_at_once(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.STARTING)
    show_qr(session)

    response = alice.post(path(session, "qr"), {"timeout": 60})

    answer = response.json()
    assert (response.status_code, answer["status"]) == (200, "PAIRING")
    assert (answer["challenge"]["qr"], answer["challenge"]["kind"]) == ("code 1", "QR")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_the_wait_ends_with_the_code(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.STARTING)

    def later() -> None:
        time.sleep(0.2)
        show_qr(session)
        connection.close()

    engine = threading.Thread(target=later)
    engine.start()
    response = alice.post(path(session, "qr"), {"timeout": 30})
    engine.join()

    assert response.status_code == 200
    assert response.json()["challenge"]["qr"] == "code 1"


def test_a_connected_session_needs_no_code(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.CONNECTED)

    response = alice.post(path(session, "qr"))

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["challenge"]) == ("CONNECTED", None)


def test_the_wait_starts_a_session_without_a_device(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING_EXPIRED)

    response = alice.post(path(session, "qr"), {"timeout": 1})

    assert (response.status_code, response.json()["status"]) == (202, "STARTING")
    assert response.headers["Retry-After"] == "2"


def test_a_session_that_failed_has_no_code_to_wait_for(
    alice: APIClient, tenant: Tenant
) -> None:
    session = make_session(tenant=tenant, status=S.STARTING, jid="15550100001@s.whatsapp.net")
    observe(session, events.ConnectFailed("405"), now=timezone.now(), epoch=1)

    response = alice.post(path(session, "qr"), {"timeout": 60})

    answer = response.json()
    assert (response.status_code, answer["code"]) == (409, "pairing_ended")
    assert (answer["reason_code"], answer["session_status"]) == ("client_outdated", "FAULTED")


def test_who_finds_no_place_to_wait_is_told_at_once(
    alice: APIClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(tenant=tenant, status=S.STARTING)
    monkeypatch.setattr(waiting, "_places", lambda: threading.BoundedSemaphore(1))
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(waiting, "_places", lambda: full)

    began = time.monotonic()
    response = alice.post(path(session, "qr"), {"timeout": 60})

    assert response.status_code == 202
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("timeout", [0, 61, "long"])
def test_nobody_waits_for_longer_than_a_minute(
    alice: APIClient, tenant: Tenant, timeout: Any
) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING)

    assert alice.post(path(session, "qr"), {"timeout": timeout}).status_code == 400


def test_too_many_pairings_are_refused_with_a_time(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING_EXPIRED)
    for _ in range(5):
        lifecycle.transition(session, S.STARTING, now=timezone.now())
        lifecycle.transition(session, S.PAIRING, now=timezone.now())
        lifecycle.transition(session, S.PAIRING_EXPIRED, now=timezone.now())

    response = alice.post(path(session, "qr"))

    assert (response.status_code, response.json()["code"]) == (429, "pairing_limit_reached")
    assert 3500 <= int(response.headers["Retry-After"]) <= 3601


def test_a_code_to_type_is_asked_for_with_the_digits(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING)

    response = alice.post(path(session, "pairing-code"), {"phone": "(11) 98765-4321"})

    command = Command.objects.get(session=session)
    assert response.status_code == 202
    assert response.json()["command"]["id"] == command.dedupe_key
    assert command.payload == {"phone": "5511987654321"}


@pytest.mark.django_db(transaction=True)
def test_a_code_that_comes_soon_is_the_answer(
    alice: APIClient, tenant: Tenant, settings: Any
) -> None:
    settings.ORSTA_COMMAND_WAIT_SECONDS = 30
    session = make_session(tenant=tenant, status=S.STARTING)
    show_qr(session)

    def runner() -> None:
        while not (command := Command.objects.filter(session=session).first()):
            time.sleep(0.05)
        fresh = Session.objects.get(pk=session.pk)
        pairing.offer_code(
            session=fresh, code="ABCD-EFGH", valid_for=MINUTE, now=timezone.now(), epoch=1
        )
        finish(command)
        connection.close()

    engine = threading.Thread(target=runner)
    engine.start()
    response = alice.post(path(session, "pairing-code"), {"phone": "+15550100123"})
    engine.join()

    assert (response.status_code, response.json()["code"]) == (200, "ABCD-EFGH")
    assert alice.get(path(session, "pairing-code")).json()["code"] == "ABCD-EFGH"
    assert alice.get(path(session, "qr")).json()["code"] == "qr_not_ready"


@pytest.mark.parametrize("phone", ["", "alice", "+1"])
def test_what_is_no_phone_number_is_refused(
    alice: APIClient, tenant: Tenant, phone: str
) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING)

    assert alice.post(path(session, "pairing-code"), {"phone": phone}).status_code == 400
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("name", "body", "lacks", "status"),
    [
        ("pairing-code", {"phone": "+15550100123"}, "pair_code", S.PAIRING),
        ("passkey", {"response": {"id": "x"}}, "passkey", S.PASSKEY_REQUIRED),
        ("passkey/confirm", {"code": "1"}, "passkey", S.PASSKEY_CONFIRMATION),
        ("check-numbers", {"numbers": ["+15550100123"]}, "check_numbers", S.CONNECTED),
    ],
)
def test_what_an_engine_lacks_has_a_name(
    alice: APIClient, tenant: Tenant, only_qr: None, name, body, lacks, status
) -> None:
    session = make_session(tenant=tenant, status=status)

    response = alice.post(path(session, name), body, format="json")

    answer = response.json()
    assert (response.status_code, answer["code"]) == (409, "capability_missing")
    assert answer["capability"] == lacks
    assert not Command.objects.exists()


def test_a_logout_is_a_command(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.CONNECTED)

    response = alice.post(path(session, "logout"))

    assert response.status_code == 202
    assert Command.objects.get(session=session).kind == CommandKind.LOGOUT


@pytest.mark.parametrize(
    ("status", "jid", "code"),
    [
        (S.PAIRING, "", "not_linked"),
        (S.STOPPED, "15550100001@s.whatsapp.net", "session_not_running"),
    ],
)
def test_what_can_not_be_logged_out(
    alice: APIClient, tenant: Tenant, status: str, jid: str, code: str
) -> None:
    session = make_session(tenant=tenant, status=status, jid=jid)

    response = alice.post(path(session, "logout"))

    assert (response.status_code, response.json()["code"]) == (409, code)
    assert not Command.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_wait_ends_with_the_session(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.STARTING)

    def later() -> None:
        time.sleep(0.2)
        provisioning.delete_session(session=session, now=timezone.now())
        connection.close()

    owner = threading.Thread(target=later)
    owner.start()
    response = alice.post(path(session, "qr"), {"timeout": 30})
    owner.join()

    assert (response.status_code, response.json()["code"]) == (404, "session_not_found")


def test_a_session_that_was_to_rest_is_started_by_the_wait(
    alice: APIClient, tenant: Tenant
) -> None:
    made = alice.post("/v1/sessions", {"session_name": "a", "auto_connect": False}).json()
    session = Session.objects.get(public_id=made["session"]["id"])

    response = alice.post(path(session, "qr"), {"timeout": 1})

    session.refresh_from_db()
    assert (response.status_code, session.desired) == (202, "RUNNING")
