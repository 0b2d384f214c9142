"""What a runner leaves behind: sessions, and commands that may have happened."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app.ingest import expiry, reports, takeover
from sessions_app.ingest.tests.test_dispatch import record
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command
from sessions_app.services import commands
from sessions_app.services.commands import Finished, NewCommand
from sessions_app.states import CommandKind, CommandState, SessionStatus
from sessions_app.tests.factories import give_lease, make_customer, make_session
from subscriptions.models import Feature, QuotaUsage
from subscriptions.services import quotas

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWNER = "runner-1"


def a_send(session, **fields):
    message = make_message(session)
    payload = {"message_id": message.public_id}
    draft = NewCommand(session, CommandKind.SEND, payload, **fields)
    return message, commands.queue_many([draft], now=NOON)[0]


def an_edit(session, **fields):
    message = make_message(session)
    payload = {"message_id": "", "target_id": message.public_id, "kind": "edit"}
    draft = NewCommand(session, CommandKind.SEND, payload, **fields)
    return message, commands.queue_many([draft], now=NOON)[0]


def told_of_changes():
    events = OutboxEvent.objects.filter(name="message.change_failed")
    return [(one.payload["message_id"], one.payload["outcome"]) for one in events]


def state_of(command):
    return Command.objects.values_list("state", flat=True).get(pk=command.pk)


@pytest.fixture
def session():
    made = make_session(status=SessionStatus.CONNECTED)
    give_lease(made, owner=OWNER)
    return made


def claim(owner="runner-2"):
    return takeover.claim(owner=owner, limit=10, now=timezone.now())


def test_a_command_that_was_handed_over_by_a_lost_runner_is_unknown(session):
    message, handed = a_send(session)
    _, queued = a_send(session)
    record(reports.HandedOver(session.pk, 1, (handed.pk,)))
    assert state_of(handed) == CommandState.RUNNING
    give_lease(session, owner=OWNER, seconds=-1)

    (taken,) = claim()

    message.refresh_from_db()
    assert taken.epoch == 3
    assert (state_of(handed), message.status) == ("UNKNOWN", MessageStatus.UNKNOWN)
    assert state_of(queued) == CommandState.QUEUED


def test_a_living_runners_commands_are_left_alone(session):
    _, handed = a_send(session)
    record(reports.HandedOver(session.pk, 1, (handed.pk,)))

    assert claim() == []

    assert state_of(handed) == CommandState.RUNNING


def test_a_command_that_ended_is_not_handed_over_again(session):
    _, sent = a_send(session)
    record(reports.Executed(session.pk, 1, Finished(sent.pk, CommandState.DONE)))

    record(reports.HandedOver(session.pk, 1, (sent.pk,)))

    assert state_of(sent) == CommandState.DONE


def test_an_ending_is_written_once(session):
    _, sent = a_send(session)
    record(reports.Executed(session.pk, 1, Finished(sent.pk, CommandState.DONE)))

    record(reports.Executed(session.pk, 1, Finished(sent.pk, CommandState.FAILED, "late")))

    assert state_of(sent) == CommandState.DONE


# -- expiry ---------------------


def expire(owner=OWNER, in_flight=(), now=NOON):
    return expiry.expire_due(owner=owner, in_flight=in_flight, now=now)


def test_what_waited_too_long_expires_and_its_quota_goes_back():
    session = make_session(tenant=make_customer(messages=10), status=SessionStatus.CONNECTED)
    now = timezone.now()
    quotas.reserve(tenant=session.tenant, feature=Feature.MESSAGES, amount=1, now=now)
    message, command = a_send(session, expires_at=now)
    type(message).objects.filter(pk=message.pk).update(created_at=now)

    assert expire(now=now) == 1

    message.refresh_from_db()
    assert (state_of(command), message.status) == ("EXPIRED", MessageStatus.FAILED)
    assert QuotaUsage.objects.get(tenant=session.tenant, feature=Feature.MESSAGES).used == 0


def test_what_has_time_left_or_none_set_does_not_expire(session):
    _, later = a_send(session, expires_at=NOON + timedelta(seconds=1))
    _, never = a_send(session)

    assert expire() == 0
    assert (state_of(later), state_of(never)) == ("QUEUED", "QUEUED")


def test_what_is_being_executed_does_not_expire(session):
    _, command = a_send(session, expires_at=NOON)

    assert expire(in_flight=[command.pk]) == 0


def test_another_runners_commands_are_its_own_to_end(session):
    a_send(session, expires_at=NOON)

    assert expire(owner="runner-2") == 0
    assert expire(owner=OWNER) == 1


def test_commands_of_sessions_without_a_runner_expire_too():
    session = make_session(status=SessionStatus.STOPPED)
    a_send(session, expires_at=NOON)

    assert expire() == 1


def test_a_change_of_a_message_that_a_lost_runner_left_may_have_happened(session):
    message, handed = an_edit(session)
    record(reports.HandedOver(session.pk, 1, (handed.pk,)))
    give_lease(session, owner=OWNER, seconds=-1)

    claim()

    assert state_of(handed) == CommandState.UNKNOWN
    assert told_of_changes() == [(message.public_id, "unknown")]


def test_a_change_of_a_message_that_waited_too_long_was_not_done(session):
    message, late = an_edit(session, expires_at=NOON)

    expiry.expire_due(owner=OWNER, in_flight=[], now=NOON)

    assert state_of(late) == CommandState.EXPIRED
    assert told_of_changes() == [(message.public_id, "failed")]
