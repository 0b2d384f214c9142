"""Batches of reports: fenced, in order, and no better or worse for their neighbors."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from orsta.core.outbox.models import OutboxEvent
from sessions_app.contacts.models import ContactPage, ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState
from sessions_app.engines import events
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.events import ContactEntry
from sessions_app.ingest import dispatch, reports, traffic
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import outcomes
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message, receipt, received
from sessions_app.models import Session, SessionTransition
from sessions_app.services import commands
from sessions_app.services.commands import Finished
from sessions_app.states import CommandKind, CommandState, DesiredState, SessionStatus
from sessions_app.tests.factories import give_lease, make_session
from subscriptions import selectors as plans

pytestmark = pytest.mark.django_db

S = SessionStatus
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWNER = "runner-1"
JID = "15550100001@s.whatsapp.net"


@pytest.fixture
def session():
    """A connected session that `OWNER` has at epoch 1."""
    made = make_session(status=S.CONNECTED)
    give_lease(made, owner=OWNER)
    OutboxEvent.objects.all().delete()
    return made


def record(*batch, owner=OWNER):
    return dispatch.record(owner=owner, batch=batch, now=NOON).written


def saw(session, event, *, epoch=1):
    return reports.Observed(session.pk, epoch, event)


def told():
    return list(OutboxEvent.objects.order_by("pk").values_list("name", flat=True))


def status_of(session):
    return Session.objects.values_list("status", flat=True).get(pk=session.pk)


def queued(session, kind=CommandKind.SEND):
    return commands.queue(session=session, kind=kind, payload={}, now=NOON)


@pytest.mark.parametrize(("owner", "epoch"), [("runner-2", 1), (OWNER, 0), (OWNER, 2)])
def test_a_report_of_a_lost_lease_is_dropped(session, owner, epoch):
    written = record(
        saw(session, events.Disconnected("gone"), epoch=epoch),
        saw(session, received(), epoch=epoch),
        owner=owner,
    )

    assert written == 0
    assert status_of(session) == S.CONNECTED
    assert not Message.objects.exists()
    assert told() == []


@pytest.mark.parametrize("stale_one_last", [True, False])
def test_what_an_earlier_epoch_of_ours_says_is_stale_too(session, stale_one_last):
    give_lease(session, owner=OWNER)
    batch = [
        saw(session, received("WA1"), epoch=1),
        saw(session, received("WA2"), epoch=2),
        saw(session, received("WA3"), epoch=1),
    ]

    recorded = dispatch.record(owner=OWNER, batch=batch[: 2 + stale_one_last], now=NOON)

    assert (recorded.written, recorded.lost) == (1, {(session.pk, 1)})
    assert Message.objects.get().wa_id == "WA2"


def test_stale_reports_take_nothing_from_the_others(session):
    lost = make_session(status=S.CONNECTED)
    give_lease(lost, owner="runner-2")

    written = record(saw(lost, received("WA1")), saw(session, received("WA2")))

    assert written == 1
    assert list(Message.objects.values_list("session_id", "wa_id")) == [(session.pk, "WA2")]


@pytest.mark.parametrize(
    "poison",
    [
        events.Disconnected("a reason with a \x00"),  # the database refuses it
        events.Disconnected("half a pair: \ud83d"),  # not even the driver takes it
        events.MessageReceived("x" * 65, JID, JID, "the id is too long", NOON),
        events.ReceiptReceived(("WA\x00",), ReceiptKind.READ, NOON),
    ],
)
def test_a_poisonous_report_is_dropped_alone(session, poison, caplog):
    written = record(
        saw(session, received("WA1")), saw(session, poison), saw(session, received("WA2"))
    )

    assert written == 2
    assert set(Message.objects.values_list("wa_id", flat=True)) == {"WA1", "WA2"}
    assert told() == ["message.received", "message.received"]
    assert status_of(session) == S.CONNECTED
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["Report refused"]


def test_a_mistake_of_ours_costs_one_report(session, monkeypatch):
    def broken(*_, **__):
        raise KeyError("chat")

    monkeypatch.setattr(traffic.receipts, "apply", broken)
    message = make_message(session, status=MessageStatus.SENT)

    written = record(saw(session, receipt(message, kind="read")), saw(session, received("WA1")))

    assert written == 1
    assert Message.objects.filter(wa_id="WA1").exists()


def test_an_outage_is_the_callers_to_repeat(session, monkeypatch):
    def away(*_, **__):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(traffic.receipts, "apply", away)
    message = make_message(session, status=MessageStatus.SENT)

    with pytest.raises(OperationalError):
        record(saw(session, received("WA1")), saw(session, receipt(message, kind="read")))

    assert not Message.objects.filter(wa_id="WA1").exists()
    assert told() == []


def test_what_happened_to_a_session_is_told_in_its_order(session):
    record(
        saw(session, events.Disconnected("The socket closed.")),
        saw(session, events.Connected(JID)),
        saw(session, events.Disconnected("Again.")),
        saw(session, events.Connected(JID)),
    )

    assert told() == [
        "session.status.disconnected",
        "session.status.connected",
        "session.status.disconnected",
        "session.status.connected",
    ]
    assert status_of(session) == S.CONNECTED


def test_a_step_that_is_not_allowed_holds_up_nothing(session):
    written = record(
        saw(session, events.Connected(JID)),  # it is connected already
        saw(session, events.LoggedOut("The phone removed the device.")),
        saw(session, events.Disconnected("late")),
        saw(session, received("WA1")),
    )

    assert written == 4
    assert status_of(session) == S.LOGGED_OUT
    assert told() == ["session.status.logged_out", "message.received"]


def test_a_batch_writes_all_that_a_send_brings(session):
    message = make_message(session)
    command = queued(session)
    sent = outcomes.Sent(message.public_id, message.wa_id, NOON)

    record(
        reports.Executed(session.pk, 1, Finished(command.pk, CommandState.DONE), sent),
        saw(session, receipt(message, kind="delivered")),
        saw(session, receipt(message, kind="read")),
        saw(session, received("WA1")),
    )

    message.refresh_from_db()
    command.refresh_from_db()
    assert message.status == MessageStatus.READ
    assert (command.state, command.finished_at) == (CommandState.DONE, NOON)
    assert told() == ["message.sent", "message.received", "message.delivered", "message.read"]


def test_a_command_that_was_put_off_waits(session):
    command = queued(session)
    later = NOON + timedelta(seconds=4)

    record(reports.PutOff(session.pk, 1, command.pk, later, "WhatsApp is busy", 1))

    command.refresh_from_db()
    assert (command.state, command.attempts) == (CommandState.QUEUED, 1)
    assert (command.not_before, command.error) == (later, "WhatsApp is busy")


@pytest.mark.parametrize(
    ("status", "desired", "becomes", "wanted"),
    [
        (S.DISCONNECTED, DesiredState.RUNNING, S.DISCONNECTED, DesiredState.RUNNING),
        (S.STOPPED, DesiredState.STOPPED, S.STOPPED, DesiredState.STOPPED),
        (S.STOPPED, DesiredState.RUNNING, S.STARTING, DesiredState.RUNNING),
        (S.DELETED, DesiredState.DELETED, S.DELETED, DesiredState.DELETED),
    ],
)
def test_what_the_runner_did_shows_in_the_state(session, status, desired, becomes, wanted):
    Session.objects.filter(pk=session.pk).update(desired=desired)

    record(reports.Moved(session.pk, 1, status, "because", 1))

    session.refresh_from_db()
    assert (session.status, session.desired) == (becomes, wanted)
    assert SessionTransition.objects.filter(session=session, new=status).exists()


def test_pages_of_contacts_are_kept_until_the_last_one(session):
    sync = syncing.request_sync(session=session, now=NOON)
    entries = [ContactEntry(f"1555010{n:04}@s.whatsapp.net") for n in range(3)]

    record(reports.ContactsFetched(session.pk, 1, sync.public_id, 1, entries))
    assert ContactSync.objects.get(pk=sync.pk).state == SyncState.FETCHING
    record(reports.ContactsFetched(session.pk, 1, sync.public_id, 2, []))

    sync.refresh_from_db()
    assert (sync.state, sync.fetched) == (SyncState.WRITING, 3)
    assert list(ContactPage.objects.values_list("number", "size")) == [(1, 3)]
    assert told() == ["contacts.sync.fetched"]


def test_contacts_that_could_not_be_fetched_end_the_sync(session):
    sync = syncing.request_sync(session=session, now=NOON)

    record(reports.ContactsFailed(session.pk, 1, sync.public_id, "WhatsApp is busy"))

    sync.refresh_from_db()
    assert (sync.state, sync.error) == (SyncState.FAILED, "WhatsApp is busy")


def test_the_number_of_statements_does_not_grow_with_the_batch(session):
    def statements(number):
        messages = [make_message(session) for _ in range(number)]
        batch = []
        for message in messages:
            ending = Finished(queued(session).pk, CommandState.DONE)
            sent = outcomes.Sent(message.public_id, message.wa_id, NOON)
            batch += [
                reports.Executed(session.pk, 1, ending, sent),
                saw(session, receipt(message, kind="read")),
                saw(session, received(message.wa_id)),
            ]
        plans.forget_all()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert record(*batch) == 3 * number
        return len(queries)

    assert statements(100) == statements(2)
