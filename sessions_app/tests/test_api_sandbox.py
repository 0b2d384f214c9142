"""`/v1/sandbox`: playing the other side."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from sessions_app.engines.sandbox import actions
from sessions_app.models import Command, Session
from sessions_app.states import CommandKind, SessionStatus
from sessions_app.tests.factories import client_of, make_customer, make_session

pytestmark = pytest.mark.django_db
FRIEND = "15550100123@s.whatsapp.net"
FAULTS = (*actions.STREAM_FAULTS, actions.PAIRING_FAULT, *actions.SEND_FAULTS)


@pytest.fixture
def session() -> Session:
    """A session that waits for a scan."""
    return make_session(tenant=make_customer(), status=SessionStatus.PAIRING)


@pytest.fixture
def alice(session: Session) -> APIClient:
    """A program of the session's owner."""
    return client_of(session.tenant)


def play(client: APIClient, session: Session, action: str, body: Any, **headers: Any) -> Any:
    """Post an action."""
    return client.post(f"/v1/sandbox/sessions/{session.public_id}/{action}", body, **headers)


@pytest.mark.parametrize(
    ("action", "body", "arguments"),
    [
        ("scan", {}, {}),
        (
            "scan",
            {"phone": "+1 555 010 0123", "push_name": "Al", "contacts": 50},
            {"phone": "+1 555 010 0123", "push_name": "Al", "contacts": 50},
        ),
        (
            "inbound",
            {"from": "+1 555 010 0123", "text": " Hello\n"},
            {"from": "+1 555 010 0123", "text": " Hello\n", "count": 1},
        ),
        (
            "inbound",
            {"from": "15550100123@s.whatsapp.net", "text": "a", "count": 5, "push_name": "Bo"},
            {"from": "15550100123@s.whatsapp.net", "text": "a", "count": 5, "push_name": "Bo"},
        ),
        ("fault", {"kind": "drop"}, {"kind": "drop"}),
        (
            "fault",
            {"kind": "temp_ban", "seconds": 60, "code": 104},
            {"kind": "temp_ban", "seconds": 60, "code": 104},
        ),
    ],
)
def test_an_action_is_queued_for_the_runner(
    alice: APIClient,
    session: Session,
    action: str,
    body: dict[str, Any],
    arguments: dict[str, Any],
) -> None:
    response = play(alice, session, action, body)

    command = Command.objects.get()
    answer = response.json()
    assert response.status_code == 202
    assert answer["ok"] is True
    assert (answer["command"]["action"], answer["command"]["state"]) == (action, "QUEUED")
    assert (command.session, command.kind) == (session, CommandKind.ACT)
    assert command.payload == {"action": action, "arguments": arguments}
    assert actions.parse(action, command.payload["arguments"])


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("scan", {"phone": "12"}),
        ("scan", {"phone": "\x00"}),
        ("scan", {"phone": 5}),
        ("scan", {"contacts": -1}),
        ("scan", {"contacts": 200_001}),
        ("scan", {"contacts": True}),
        ("scan", {"push_name": "x" * 101}),
        ("inbound", {"text": "nobody wrote this"}),
        ("inbound", {"from": "+1 555 010 0123"}),
        ("inbound", {"from": "+1 555 010 0123", "text": ""}),
        ("inbound", {"from": "+1 555 010 0123", "text": "\x00"}),
        ("inbound", {"from": "+1 555 010 0123", "text": "x" * 65_537}),
        ("inbound", {"from": "12036304@g.us", "text": "from a group"}),
        ("inbound", {"from": "+1 555 010 0123", "text": "a", "count": 0}),
        ("inbound", {"from": "+1 555 010 0123", "text": "a", "count": 1_001}),
        ("inbound", {"from": "+1 555 010 0123", "text": "a", "count": 10**30}),
        ("inbound", {"from": "+1 555 010 0123", "text": "a", "count": 1.5}),
        ("fault", {}),
        ("fault", {"kind": "earthquake"}),
        ("fault", {"kind": ["drop"]}),
        ("fault", {"kind": "drop", "seconds": 5}),
        ("fault", {"kind": "temp_ban", "seconds": 0}),
        ("fault", {"kind": "temp_ban", "code": 105}),
        ("fault", []),
    ],
)
def test_what_makes_no_sense_is_refused(
    alice: APIClient, session: Session, action: str, body: Any
) -> None:
    response = play(alice, session, action, body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_input"
    assert Command.objects.count() == 0


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("scan", {}),
        ("inbound", {"from": "+1 555 010 0123", "text": "Hello"}),
        ("fault", {"kind": "drop"}),
    ],
)
def test_a_real_account_is_not_played_with(
    alice: APIClient, session: Session, action: str, body: dict[str, Any]
) -> None:
    Session.objects.filter(pk=session.pk).update(engine="neonize")

    response = play(alice, session, action, body)

    assert response.status_code == 409
    assert response.json()["code"] == "not_a_sandbox_session"
    assert Command.objects.count() == 0


def test_without_a_code_there_is_nothing_to_scan(alice: APIClient, session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(status=SessionStatus.STARTING)

    response = play(alice, session, "scan", {})

    assert response.status_code == 409
    assert response.json()["code"] == "qr_not_ready"
    assert Command.objects.count() == 0


def test_a_key_writes_once(alice: APIClient, session: Session) -> None:
    body = {"from": "+1 555 010 0123", "text": "Hello"}

    first = play(alice, session, "inbound", body, HTTP_IDEMPOTENCY_KEY="k")
    second = play(alice, session, "inbound", body, HTTP_IDEMPOTENCY_KEY="k")

    assert second.json() == first.json()
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        *(("fault", {"kind": kind}) for kind in FAULTS if kind != "connect_failed"),
        *(("fault", {"kind": "temp_ban", "code": str(code)}) for code in actions.BAN_CODES),
        ("fault", {"kind": "degraded", "seconds": actions.BAN_SECONDS_LIMIT}),
        ("scan", {"contacts": actions.CONTACTS_LIMIT}),
        ("inbound", {"from": FRIEND, "text": "a", "count": actions.COUNT_LIMIT}),
        ("inbound", {"from": FRIEND, "text": "a" * actions.TEXT_LIMIT}),
    ],
)
def test_the_limits_are_the_engines(
    alice: APIClient, session: Session, action: str, body: dict[str, Any]
) -> None:
    assert play(alice, session, action, body).status_code == 202

    payload = Command.objects.get().payload
    actions.parse(payload["action"], payload["arguments"])  # refuses what it does not know


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (
            {"kind": "reaction", "from": FRIEND, "target": "WA1", "emoji": "+"},
            {"target": "WA1", "emoji": "+"},
        ),
        (
            {"kind": "edit", "from": FRIEND, "target": "WA1", "text": "no"},
            {"target": "WA1", "text": "no"},
        ),
        ({"kind": "revoke", "from": FRIEND, "target": "WA1"}, {"target": "WA1"}),
        ({"kind": "image", "from": FRIEND, "caption": "look"}, {"caption": "look"}),
    ],
)
def test_somebody_does_something_to_a_message(
    alice: APIClient, session: Session, body: dict[str, Any], arguments: dict[str, Any]
) -> None:
    response = play(alice, session, "event", body)

    payload = Command.objects.get().payload
    assert response.status_code == 202
    assert payload == {"action": body["kind"], "arguments": {"from": FRIEND, **arguments}}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "reaction", "from": FRIEND},
        {"kind": "edit", "from": FRIEND, "target": "WA1"},
        {"kind": "revoke", "from": FRIEND, "target": "WA1", "text": "why"},
        {"kind": "image", "from": FRIEND, "target": "WA1"},
        {"kind": "poll", "from": FRIEND},
    ],
)
def test_what_makes_no_sense_for_a_message(
    alice: APIClient, session: Session, body: dict[str, Any]
) -> None:
    assert play(alice, session, "event", body).status_code == 400
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ({"kind": "connect_failed", "code": "405"}, {"kind": "connect_failed", "code": "405"}),
        ({"kind": "temp_ban", "code": 104}, {"kind": "temp_ban", "code": 104}),
        ({"kind": "restricted", "seconds": 60}, {"kind": "restricted", "seconds": 60}),
        ({"kind": "passkey"}, {"kind": "passkey"}),
    ],
)
def test_every_kind_of_trouble_takes_its_own(
    alice: APIClient, session: Session, body: dict[str, Any], arguments: dict[str, Any]
) -> None:
    assert play(alice, session, "fault", body).status_code == 202
    assert Command.objects.get().payload == {"action": "fault", "arguments": arguments}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "connect_failed"},
        {"kind": "connect_failed", "code": "999"},
        {"kind": "temp_ban", "code": 405},
        {"kind": "silent", "seconds": 5},
    ],
)
def test_trouble_that_nobody_knows(
    alice: APIClient, session: Session, body: dict[str, Any]
) -> None:
    assert play(alice, session, "fault", body).status_code == 400
    assert not Command.objects.exists()
