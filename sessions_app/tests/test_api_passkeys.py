"""`/v1/sessions/{id}/passkey`: an account that is linked by passkey only."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Tenant
from sessions_app.engines import events
from sessions_app.ingest.states import observe
from sessions_app.models import Command, Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
MINUTE = timedelta(minutes=1)


def path(session: Session, name: str) -> str:
    """Return where something of the session is."""
    return f"/v1/sessions/{session.public_id}/{name}"


def test_the_passkey_challenge_and_its_code(alice: APIClient, tenant: Tenant) -> None:
    session = make_session(tenant=tenant, status=S.PAIRING)
    now = timezone.now()
    observe(session, events.PasskeyRequested({"challenge": "x"}, MINUTE), now=now, epoch=1)

    asked = alice.get(path(session, "passkey")).json()
    answered = alice.post(path(session, "passkey"), {"response": {"id": "x"}}, format="json")
    observe(session, events.PasskeyConfirmation("1234", MINUTE), now=now, epoch=1)
    shown = alice.get(path(session, "passkey")).json()
    confirmed = alice.post(path(session, "passkey/confirm"), {"code": "1234"}, format="json")

    assert (asked["kind"], asked["options"]) == ("PASSKEY", {"challenge": "x"})
    assert (shown["kind"], shown["options"], shown["code"]) == ("CONFIRMATION", None, "1234")
    assert (answered.status_code, confirmed.status_code) == (202, 202)


@pytest.mark.parametrize(
    "response",
    [
        "{}",
        "[1]",
        '{"id": "\\u0000"}',
        '{"id": "\\ud800"}',
        '{"id": ' * 880 + "1" + "}" * 880,
        '{"id": [' + "[]," * 100 + "[]]}",
        '{"id": "' + "x" * 20_000 + '"}',
    ],
)
def test_what_is_no_assertion_is_refused(
    alice: APIClient, tenant: Tenant, response: str
) -> None:
    session = make_session(tenant=tenant, status=S.PASSKEY_REQUIRED)
    body = f'{{"response": {response}}}'

    answer = alice.post(path(session, "passkey"), body, content_type="application/json")

    assert answer.status_code == 400
    assert not Command.objects.exists()
