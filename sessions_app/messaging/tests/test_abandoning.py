"""What a deleted session never sent fails, and its quota goes back to the plan."""

import pytest
from django.utils import timezone

from orsta.core.outbox import relay
from sessions_app.messaging import tasks
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import abandoning, outcomes, sending
from sessions_app.messaging.services.sending import Draft
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import ADA, reported
from sessions_app.models import Command
from sessions_app.services import commands, lifecycle, provisioning
from sessions_app.states import CommandState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session
from subscriptions.models import QuotaUsage

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(tenant=make_customer(messages=5), status=SessionStatus.CONNECTED)


def accept(session, count):
    drafts = [Draft(ADA, "hello")] * count
    return sending.accept_messages(session=session, drafts=drafts, now=timezone.now())


def delete(session):
    """Delete it, and let the runner have forgotten it."""
    provisioning.delete_session(session=session, now=timezone.now())
    lifecycle.transition(session, SessionStatus.DELETED, now=timezone.now())


def abandon(session):
    return abandoning.abandon(session_id=session.public_id, now=timezone.now())


def used(session):
    return QuotaUsage.objects.get(tenant=session.tenant, feature="MESSAGES").used


def test_waiting_messages_of_a_deleted_session_give_their_quota_back(session):
    accept(session, 3)
    delete(session)

    assert abandon(session) == 3

    assert used(session) == 0
    assert set(Message.objects.values_list("status", "error")) == {
        (MessageStatus.FAILED, "The session was deleted.")
    }
    assert set(Command.objects.values_list("state", flat=True)) == {CommandState.FAILED}
    assert reported().filter(name="message.failed").count() == 3


def test_of_what_was_handed_over_nobody_knows(session):
    accept(session, 2)
    handed = Command.objects.earliest("pk")
    commands.hand_over(epochs={handed.pk: 1})
    delete(session)

    assert abandon(session) == 2

    ends = Command.objects.order_by("pk").values_list("state", flat=True)
    assert list(ends) == [CommandState.UNKNOWN, CommandState.FAILED]
    statuses = Message.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == [MessageStatus.UNKNOWN, MessageStatus.FAILED]
    assert used(session) == 1


def test_it_is_given_back_once(session):
    accept(session, 3)
    other = make_session(tenant=session.tenant, status=SessionStatus.CONNECTED)
    accept(other, 1)
    delete(session)

    assert [abandon(session), abandon(session)] == [3, 0]

    assert used(session) == 1


def test_what_was_sent_is_paid_for(session):
    first, _ = accept(session, 2)
    sent = outcomes.Sent(first.public_id, first.wa_id, timezone.now())
    outcomes.record(outcomes=[sent], now=timezone.now())
    delete(session)

    abandon(session)

    assert used(session) == 1


def test_nothing_is_given_up_while_a_runner_may_be_sending_it(session):
    accept(session, 1)
    provisioning.delete_session(session=session, now=timezone.now())

    assert abandon(session) == 0

    assert used(session) == 1


def test_many_go_in_batches(session, monkeypatch):
    monkeypatch.setattr(abandoning, "_BATCH", 2)
    accept(session, 5)
    delete(session)

    assert abandon(session) == 5


def test_it_follows_when_the_runner_has_forgotten_the_session(session, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.abandon_messages, "delay", lambda **given: asked.append(given))
    delete(session)

    relay.drain(now=timezone.now())

    assert asked == [{"session_id": session.public_id}]
