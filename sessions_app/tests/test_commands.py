"""Commands: who gets which next, and how they end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from sessions_app.models import Command
from sessions_app.services import commands
from sessions_app.services.commands import Finished, NewCommand
from sessions_app.states import CommandKind, CommandState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEND, ACT = CommandKind.SEND, CommandKind.ACT


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def queue(session, *kinds):
    return commands.queue_many([NewCommand(session, kind) for kind in kinds], now=NOON)


def waiting(*sessions, sends=True, limit=10, now=NOON):
    ids = [session.pk for session in sessions]
    ready = commands.waiting(session_ids=ids, sends=sends, now=now, limit=limit)
    return {key: [command.pk for command in found] for key, found in ready.items()}


def test_sends_and_the_rest_wait_in_two_lanes_each_in_order(session):
    first, act, second = queue(session, SEND, ACT, SEND)

    assert waiting(session) == {session.pk: [first.pk, second.pk]}
    assert waiting(session, sends=False) == {session.pk: [act.pk]}


def test_a_backlog_of_one_session_delays_no_other(session):
    other = make_session(status=SessionStatus.CONNECTED)
    many = queue(session, *[SEND] * 20)
    (one,) = queue(other, SEND)

    ready = waiting(session, other, limit=5)

    assert ready == {session.pk: [row.pk for row in many[:5]], other.pk: [one.pk]}


def test_other_peoples_and_finished_commands_are_nobodys_business(session):
    stranger = make_session(status=SessionStatus.CONNECTED)
    queue(stranger, SEND)
    (done,) = queue(session, SEND)
    commands.finish(finished=[Finished(done.pk, CommandState.DONE)], now=NOON)

    assert waiting(session) == {}


def test_a_command_that_was_put_off_holds_back_those_behind_it(session):
    first, second, third = queue(session, SEND, SEND, SEND)
    later = NOON + timedelta(seconds=8)
    commands.put_off(command_id=second.pk, not_before=later, error="busy", attempts=1)

    assert waiting(session) == {session.pk: [first.pk]}
    assert waiting(session, now=later) == {session.pk: [first.pk, second.pk, third.pk]}


def test_endings_are_written_each_as_it_was(session):
    done, failed, unknown = queue(session, ACT, SEND, SEND)

    commands.finish(
        finished=[
            Finished(done.pk, CommandState.DONE, result={"jid": "ä", "n": [1]}),
            Finished(failed.pk, CommandState.FAILED, "x" * 400),
            Finished(unknown.pk, CommandState.UNKNOWN, "no answer"),
            Finished(0, CommandState.DONE),
        ],
        now=NOON,
    )

    rows = Command.objects.order_by("pk").values_list("state", "error", "result", "finished_at")
    assert list(rows) == [
        ("DONE", "", {"jid": "ä", "n": [1]}, NOON),
        ("FAILED", "x" * 300, {}, NOON),
        ("UNKNOWN", "no answer", {}, NOON),
    ]


def test_two_with_the_same_key_are_one_command(session):
    drafts = [NewCommand(session, SEND, {"n": n}, dedupe_key="order-1") for n in (1, 2)]

    first, second = commands.queue_many(drafts, now=NOON)
    (third,) = commands.queue_many([drafts[0]], now=NOON)

    assert first.pk == second.pk == third.pk
    assert list(Command.objects.values_list("payload", flat=True)) == [{"n": 1}]


def test_a_key_is_the_sessions_own(session):
    other = make_session(status=SessionStatus.CONNECTED)
    drafts = [NewCommand(one, SEND, dedupe_key="order-1") for one in (session, other)]
    drafts.append(NewCommand(session, SEND))

    created = commands.queue_many(drafts, now=NOON)

    assert len({command.pk for command in created}) == Command.objects.count() == 3
    assert [command.pk for command in created] == sorted(command.pk for command in created)


def test_a_command_waits_until_its_time(session):
    later = NOON + timedelta(minutes=1)
    (command,) = commands.queue_many([NewCommand(session, SEND, not_before=later)], now=NOON)

    assert waiting(session) == {}
    assert waiting(session, now=later) == {session.pk: [command.pk]}


def test_a_command_is_put_off_once_however_often_it_is_said(session):
    (command,) = queue(session, SEND)
    for _ in range(2):
        commands.put_off(command_id=command.pk, not_before=NOON, error="busy", attempts=1)

    command.refresh_from_db()
    assert command.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_racing_requests_with_one_key_make_one_command(session, race):
    def once():
        draft = NewCommand(session, SEND, dedupe_key="order-1")
        with transaction.atomic():
            return commands.queue_many([draft], now=NOON)[0].pk

    found = race(8, once)

    assert len(set(found)) == Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_waiting_commands_are_found_without_reading_the_finished(session):
    with transaction.atomic():
        done = queue(session, *[SEND] * 3_000)
        finished = [Finished(command.pk, CommandState.DONE) for command in done]
        commands.finish(finished=finished, now=NOON)
        queue(session, *[SEND] * 300)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sessions_app_command")
        plan = "EXPLAIN " + commands._WAITING
        cursor.execute(plan, [[session.pk], True, 200])
        steps = "\n".join(row[0] for row in cursor.fetchall())

    assert "command_queued" in steps
    assert "sessions_app_command_pkey" not in steps
