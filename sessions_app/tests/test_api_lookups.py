"""`/v1/sessions/{id}/check-numbers` and `/commands/…`: questions that a runner answers."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Tenant
from sessions_app.models import Command, Session
from sessions_app.services import pairing
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import finish, make_customer, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus


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


def test_numbers_are_looked_up(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.CONNECTED)
    numbers = ["+55 11 98765-4321", "11987654321", "+15550100124"]

    asked = alice.post(path(session, "check-numbers"), {"numbers": numbers}, format="json")
    command = Command.objects.get(session=session)
    finish(command, [{"phone": "15550100123", "exists": True, "jid": "1@lid", "name": ""}])
    told = alice.get(path(session, f"commands/{asked.json()['command']['id']}")).json()

    assert asked.status_code == 202
    assert command.payload == {"phones": ["5511987654321", "15550100124"]}
    assert told["command"]["state"] == "DONE"
    assert told["command"]["result"][0]["exists"] is True


def test_a_session_that_is_not_connected_can_look_nobody_up(
    alice: APIClient, tenant: Tenant
) -> None:
    session = make_session(tenant=tenant, status=S.DISCONNECTED)

    response = alice.post(
        path(session, "check-numbers"), {"numbers": ["+15550100123"]}, format="json"
    )

    assert (response.status_code, response.json()["code"]) == (409, "session_not_connected")


def test_more_than_fifty_numbers_are_too_many(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.CONNECTED)
    numbers = [f"+1555010{number:04d}" for number in range(51)]

    response = alice.post(path(session, "check-numbers"), {"numbers": numbers}, format="json")

    assert response.status_code == 400


def test_another_sessions_command_is_not_there(alice: APIClient, tenant: Tenant) -> None:
    mine, other = (make_session(tenant=tenant, status=S.PAIRING) for _ in range(2))
    command = pairing.request_code(session=other, phone="15550100123", now=timezone.now())

    assert alice.get(path(mine, f"commands/{command.dedupe_key}")).status_code == 404
    assert alice.get(path(other, f"commands/{command.dedupe_key}")).status_code == 200


@pytest.mark.parametrize("name", ["%00", "cmd_", "x" * 100, "é"])
def test_a_command_that_nobody_knows_is_not_there(
    alice: APIClient, tenant: Tenant, name: str
) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING)

    answer = alice.get(path(session, f"commands/{name}"))

    assert (answer.status_code, answer.json()["code"]) == (404, "command_not_found")


def test_the_engines_and_what_they_can_do(alice: APIClient) -> None:
    (engine,) = [
        row for row in alice.get("/v1/engines").json()["engines"] if row["engine"] == "sandbox"
    ]

    assert engine["default"] is True
    assert {"pair_qr", "pair_code", "passkey"} <= set(engine["capabilities"])
