"""State events count by (epoch, seq), so that a batch can be written again."""

from datetime import timedelta

import pytest

from orsta.core.outbox.models import OutboxEvent
from sessions_app.engines import events
from sessions_app.ingest import reports
from sessions_app.ingest.tests.test_dispatch import JID, NOON, record, session, status_of, told
from sessions_app.models import InboxEntry, PairingChallenge, Session, SessionTransition
from sessions_app.services import inbox
from sessions_app.states import ChallengeKind, SessionStatus
from sessions_app.tests.factories import give_lease, make_session

__all__ = ["session"]
pytestmark = pytest.mark.django_db

S = SessionStatus
DOWN, UP = events.Disconnected("The socket closed."), events.Connected(JID)


def saw(session, event, seq, *, epoch=1, retry_at=None):
    return reports.Observed(session.pk, epoch, event, seq, retry_at)


def newest(session):
    return Session.objects.values_list("observed_epoch", "observed_seq").get(pk=session.pk)


def test_a_batch_whose_commit_got_no_answer_is_written_once(session):
    batch = [
        saw(session, DOWN, 1),
        reports.Moved(session.pk, 1, S.STARTING, "reconnect requested", 2),
        saw(session, UP, 3),
    ]
    record(*batch)
    before = list(SessionTransition.objects.values_list("old", "new")), told()

    record(*batch)

    assert (list(SessionTransition.objects.values_list("old", "new")), told()) == before
    assert status_of(session) == S.CONNECTED
    assert newest(session) == (1, 3)


def test_what_is_older_than_the_newest_changes_nothing(session):
    record(saw(session, DOWN, 5))

    record(saw(session, UP, 4))

    assert status_of(session) == S.DISCONNECTED
    assert newest(session) == (1, 5)


def test_the_next_owner_counts_from_the_beginning(session):
    record(saw(session, DOWN, 7))
    give_lease(session)

    record(saw(session, UP, 1, epoch=2))

    assert status_of(session) == S.CONNECTED
    assert newest(session) == (2, 1)


def test_a_step_that_the_table_forbids_is_history_too(session):
    record(saw(session, UP, 1))

    assert newest(session) == (1, 1)
    assert told() == []


def test_the_sessions_of_a_batch_are_counted_apart(session):
    other = make_session(status=S.CONNECTED)
    give_lease(other)

    record(saw(session, DOWN, 9), saw(other, DOWN, 2))

    assert (newest(session), newest(other)) == ((1, 9), (1, 2))


def test_a_cool_down_shows_when_it_ends(session):
    later = NOON + timedelta(minutes=5)

    record(saw(session, events.ConnectFailed("413"), 1, retry_at=later))

    session.refresh_from_db()
    assert (session.status, session.reason_code) == (S.DISCONNECTED, "cat_expired")
    assert session.retry_at == later


def test_a_code_to_type_is_shown_and_is_in_no_event():
    session = make_session(status=S.PAIRING)
    give_lease(session)

    record(reports.PairingCodeIssued(session.pk, 1, "ABCD-EFGH", timedelta(seconds=160)))

    challenge = PairingChallenge.objects.get(session=session)
    assert (challenge.kind, challenge.text) == (ChallengeKind.CODE, "ABCD-EFGH")
    assert challenge.expires_at == NOON + timedelta(seconds=160)
    assert "ABCD" not in "".join(str(event.payload) for event in OutboxEvent.objects.all())
    assert "ABCD" not in repr(reports.PairingCodeIssued(1, 1, "ABCD-EFGH", timedelta(0)))


def test_what_was_heard_is_done_and_what_was_not_is_tried_again(session):
    for key in ("one", "two"):
        inbox.receive(session_id=session.pk, dedupe_key=key, payload={"n": key}, now=NOON)
    first, second = InboxEntry.objects.order_by("pk")

    record(reports.Heard(session.pk, 1, {first.pk: "", second.pk: "No such chat."}))

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.done_at, first.payload) == (NOON, "")
    assert (second.done_at, second.attempts, second.error) == (None, 1, "No such chat.")


def test_people_histories_and_changes_reach_their_services(session):
    record(
        saw(session, events.IdentityMapped("123456789@lid", "15550100077"), 0),
        saw(session, events.IdentityChanged(JID), 0),
        saw(session, events.ContactsChanged(), 0),
        saw(session, events.HistoryReceived(()), 0),
        saw(session, events.ReactionReceived(JID, JID, "WA1", "+", NOON), 0),
        saw(session, events.MessageEdited(JID, JID, "WA1", "new", NOON), 0),
        saw(session, events.MessageRevoked(JID, JID, "WA1", NOON), 0),
    )

    assert {"contact.security_code_changed", "contacts.changed"} <= set(told())
