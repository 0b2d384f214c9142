"""Staff settle messages of which nobody knows whether they went out."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tests.factories import make_user
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def message():
    return make_message(
        make_session(status=SessionStatus.CONNECTED), status=MessageStatus.UNKNOWN
    )


def settle(message, choice):
    browser = Client()
    browser.force_login(make_user(is_staff=True, is_superuser=True))
    given = {"choice": choice, "reason": "The phone shows it.", "_form_submitted": "True"}
    return browser.post(reverse("admin:messaging_message_resolve", args=[message.pk]), given)


@pytest.mark.parametrize(
    ("choice", "status", "queued"),
    [
        ("sent", MessageStatus.SENT, 0),
        ("failed", MessageStatus.FAILED, 0),
        ("resend", MessageStatus.QUEUED, 1),
    ],
)
def test_staff_say_what_became_of_a_message_and_why_they_know(message, choice, status, queued):
    settle(message, choice)

    assert Message.objects.get(pk=message.pk).status == status
    assert Command.objects.count() == queued
    entry = AuditEntry.objects.get(action="message.resolved")
    assert (entry.detail["choice"], entry.reason) == (choice, "The phone shows it.")


def test_what_is_known_can_not_be_settled(message):
    Message.objects.update(status=MessageStatus.READ)

    settle(message, "failed")

    assert Message.objects.get(pk=message.pk).status == MessageStatus.READ
    assert not AuditEntry.objects.filter(action="message.resolved").exists()
