"""Customers settle, over HTTP, what nobody knows of a message."""

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.tests.factories import make_api_key, make_tenant
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command
from sessions_app.states import CommandKind, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def message():
    session = make_session(status=SessionStatus.CONNECTED)
    return make_message(session, status=MessageStatus.UNKNOWN, error="The runner ended.")


def settle(message, body, *, tenant=None, key="", session=None):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant or message.session.tenant).text)
    address = f"/v1/sessions/{(session or message.session).public_id}/messages"
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{address}/{message.public_id}/resolve", body, headers=headers)


@pytest.mark.parametrize(
    ("choice", "status", "queued"),
    [
        ("sent", MessageStatus.SENT, 0),
        ("failed", MessageStatus.FAILED, 0),
        ("resend", MessageStatus.QUEUED, 1),
    ],
)
def test_the_answer_is_the_message_as_it_is_now(message, choice, status, queued):
    answer = settle(message, {"choice": choice})

    assert answer.status_code == 200
    shown = answer.json()["message"]
    assert (shown["id"], shown["status"]) == (message.public_id, status)
    assert Message.objects.get().status == status
    sends = Command.objects.filter(kind=CommandKind.SEND)
    assert [one.payload["wa_id"] for one in sends] == [message.wa_id] * queued


@pytest.mark.parametrize(
    "status", [one for one in MessageStatus if one != MessageStatus.UNKNOWN]
)
def test_what_is_known_can_not_be_settled(message, status):
    Message.objects.update(status=status)

    answer = settle(message, {"choice": "resend"})

    assert (answer.status_code, answer.json()["code"]) == (409, "outcome_known")
    assert Message.objects.get().status == status
    assert not Command.objects.exists()


@pytest.mark.parametrize("body", [{}, {"choice": ""}, {"choice": "lost"}, {"choice": ["sent"]}])
def test_a_choice_that_makes_no_sense_is_refused(message, body):
    assert settle(message, body).status_code == 400

    assert Message.objects.get().status == MessageStatus.UNKNOWN


def test_other_peoples_messages_are_missing(message):
    sibling = make_session(tenant=message.session.tenant, status=SessionStatus.CONNECTED)

    foreign = settle(message, {"choice": "sent"}, tenant=make_tenant())
    misplaced = settle(message, {"choice": "sent"}, session=sibling)

    assert (foreign.status_code, misplaced.status_code) == (404, 404)
    assert misplaced.json()["code"] == "message_not_found"
    assert Message.objects.get().status == MessageStatus.UNKNOWN


def test_a_repeated_request_sends_it_again_once(message):
    first = settle(message, {"choice": "resend"}, key="k1")
    second = settle(message, {"choice": "resend"}, key="k1")

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Command.objects.count() == 1
    assert AuditEntry.objects.filter(action="message.resolved").count() == 1
