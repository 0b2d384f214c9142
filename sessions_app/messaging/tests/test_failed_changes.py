"""A reaction, an edit or a revocation that did not go out is told of: it has no status."""

import pytest

from sessions_app.messaging.models import Message, Reaction
from sessions_app.messaging.services import abandoning, outcomes, sending
from sessions_app.messaging.services.sending import Draft
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message, reported
from sessions_app.models import Command, Session
from sessions_app.states import CommandState, SessionStatus
from sessions_app.tests.factories import make_session


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def ours(session):
    return make_message(session, status=MessageStatus.SENT, sent_at=NOON, text="hi")


def ask(session, message, kind):
    draft = Draft(kind=kind, text="x", emoji="👍", message=message.public_id)
    sending.accept_messages(session=session, drafts=[draft], now=NOON)
    return Command.objects.get()


def fail(*payloads, unknown=False):
    ended = [outcomes.of_unsent(one, error="no luck", unknown=unknown) for one in payloads]
    return outcomes.record(outcomes=ended, now=NOON)


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke"])
@pytest.mark.parametrize("unknown", [False, True])
def test_the_event_names_the_message_and_what_was_not_done(session, ours, kind, unknown):
    command = ask(session, ours, kind)

    assert fail(command.payload, unknown=unknown) == 0

    event = reported().get()
    assert event.name == "message.change_failed"
    assert event.payload == {
        "session_id": session.public_id,
        "message_id": ours.public_id,
        "chat": ADA,
        "wa_id": ours.wa_id,
        "kind": kind,
        "error": "no luck",
        "outcome": "unknown" if unknown else "failed",
    }


def test_the_message_stays_as_it_was(session, ours):
    before = Message.objects.values().get()

    fail(ask(session, ours, "edit").payload)

    assert Message.objects.values().get() == before
    assert not Reaction.objects.exists()


def test_a_message_that_is_gone_has_nobody_to_tell(session, ours):
    command = ask(session, ours, "edit")
    Message.objects.all().delete()

    fail(command.payload)

    assert not reported().exists()


def test_a_deleted_session_does_nothing_any_more(session, ours):
    ask(session, ours, "edit")
    Session.objects.update(status=SessionStatus.DELETED)

    assert abandoning.abandon(session_id=session.public_id, now=NOON) == 1

    assert reported().get().name == "message.change_failed"
    assert Command.objects.get().state == CommandState.FAILED
