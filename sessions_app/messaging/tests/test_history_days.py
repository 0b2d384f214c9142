"""Messages are kept for as many days as the plan says, and for a while after the plan ended."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sessions_app.messaging import tasks
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import history
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command
from sessions_app.states import CommandKind, CommandState
from sessions_app.tests.factories import end_plan, make_customer, make_session
from subscriptions.models import Subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def session():
    return make_session(tenant=make_customer(history_days=7))


def write(session, *days_ago, **fields):
    for days in days_ago:
        values = {"status": MessageStatus.READ, "text": f"{days}"} | fields
        make_message(session, created_at=timezone.now() - days * DAY, **values)


def kept(session):
    rows = Message.objects.filter(session=session).order_by("created_at")
    return list(rows.values_list("text", flat=True))


def test_what_is_older_than_the_plans_days_goes(session):
    write(session, 8, 6, 1)
    write(session, 9, direction=Direction.INBOUND, status=MessageStatus.RECEIVED)

    tasks.prune_history()

    assert kept(session) == ["6", "1"]


def test_every_tenant_has_the_days_of_its_own_plan(session):
    endless = make_session(tenant=make_customer(history_days=None))
    longer = make_session(tenant=make_customer(history_days=30))
    for one in (session, endless, longer):
        write(one, 400, 20)

    assert history.prune_old(now=timezone.now()) == 3

    assert [kept(one) for one in (session, endless, longer)] == [[], ["400", "20"], ["20"]]


def test_a_plan_without_history_keeps_a_day():
    session = make_session(tenant=make_customer(history_days=0))
    write(session, 2, 0)

    tasks.prune_history()

    assert kept(session) == ["0"]


def test_after_the_plan_ended_everything_stays_for_thirty_days(session):
    now = timezone.now()
    write(session, 20, 3)
    end_plan(session.tenant, now=now)

    assert history.prune_old(now=now + 29 * DAY) == 0
    assert history.prune_old(now=now + 31 * DAY) == 2


def test_a_tenant_that_never_had_a_plan_keeps_everything(session):
    write(session, 400)
    Subscription.objects.for_tenant(session.tenant).delete()

    assert history.prune_old(now=timezone.now()) == 0


def test_what_waits_to_be_sent_stays_however_old(session):
    write(session, 400, status=MessageStatus.QUEUED)

    tasks.prune_history()

    assert kept(session) == ["400"]


@pytest.mark.parametrize(
    ("state", "stays"), [(CommandState.QUEUED, True), (CommandState.UNKNOWN, False)]
)
def test_a_message_stays_until_its_command_is_finished(session, state, stays):
    """A receipt may tell of a message whose command is still to be tried again."""
    write(session, 400, status=MessageStatus.DELIVERED)
    Command.objects.create(
        tenant=session.tenant,
        session=session,
        kind=CommandKind.SEND,
        payload={"message_id": Message.objects.get().public_id},
        state=state,
        created_at=timezone.now(),
    )

    tasks.prune_history()

    assert bool(kept(session)) == stays


def test_many_go_in_batches_of_messages_and_of_tenants(session, monkeypatch):
    monkeypatch.setattr(history, "_BATCH", 2)
    monkeypatch.setattr(history, "_TENANTS", 1)
    other = make_session(tenant=make_customer(history_days=7))
    for one in (session, other):
        write(one, 8, 9, 10, 11, 12)

    assert history.prune_old(now=timezone.now()) == 10


def test_the_number_of_statements_does_not_grow_with_the_tenants(
    session, django_assert_num_queries
):
    for _ in range(5):
        write(make_session(tenant=make_customer(history_days=7)), 8)

    # the tenants, their plans (three), the deletion, no more tenants
    with django_assert_num_queries(6):
        history.prune_old(now=timezone.now())


def test_old_messages_are_found_by_index(session):
    sessions = [session, *(make_session() for _ in range(9))]
    rows = [
        Message(
            tenant_id=one.tenant_id,
            session=one,
            direction=Direction.INBOUND,
            chat="1@lid",
            sender="1@lid",
            wa_id=f"{number}",
            status=MessageStatus.RECEIVED,
            created_at=timezone.now(),
        )
        for number in range(600)
        for one in sessions
    ]
    Message.objects.bulk_create(rows)
    values = {
        "tenants": [one.tenant_id for one in sessions],
        "cutoffs": [timezone.now() - 7 * DAY] * 10,
        "batch": 100,
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
        # What other tests left in the table may make sorting look cheap.
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {history._PRUNE_OLD}", values)
        explained = "\n".join(row[0] for row in cursor.fetchall())

    assert "message_of_tenant" in explained, explained
