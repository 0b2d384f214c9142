"""Replies, reactions, edits and revocations go out through the same door as texts."""

from datetime import timedelta

import pytest

from orsta.core import errors
from sessions_app.contacts.services import identities
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.events import IdentityMapped
from sessions_app.messaging.models import Message, Reaction
from sessions_app.messaging.services import drafts, outcomes, payloads, resolving, sending
from sessions_app.messaging.services.sending import Draft
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message
from sessions_app.models import Command
from sessions_app.selectors import SessionNotFound
from sessions_app.services import capabilities
from sessions_app.states import CommandState, DesiredState, SessionStatus
from sessions_app.tests.factories import make_session


@pytest.fixture
def session(db, monkeypatch):
    monkeypatch.setattr(capabilities, "has", lambda *_: True)
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def ours(session):
    return make_message(session, status=MessageStatus.SENT, sent_at=NOON, text="hi")


def accept(session, *drafts, now=NOON):
    return sending.accept_messages(session=session, drafts=drafts, now=now)


def finish(command):
    outcome = outcomes.of_sent(command.payload, wa_id="WA1", sent_at=NOON)
    outcomes.record(outcomes=[outcome], now=NOON)


def test_a_reply_goes_to_the_chat_of_its_message(session, ours):
    (reply,) = accept(session, Draft(text="yes", reply_to=ours.public_id))

    assert (reply.chat, reply.quoted_wa_id) == (ADA, ours.wa_id)
    quoted = payloads.to_outgoing(Command.objects.get().payload).quoted
    assert (quoted.wa_id, quoted.sender, quoted.from_me) == (ours.wa_id, session.jid, True)


def test_a_message_still_under_a_number_is_in_the_chat_of_its_lid(session, ours):
    lid = "118500100000123@lid"
    mapped = IdentityMapped(lid=lid, phone=ADA.partition("@")[0])
    identities.learn(mapped=[(session, mapped)], now=NOON)

    accept(session, Draft(kind=payloads.REVOKE, message=ours.public_id))

    assert payloads.to_outgoing(Command.objects.get().payload).to == lid


def test_what_is_done_to_a_message_shows_once_whatsapp_took_it(session, ours):
    accepted = accept(
        session,
        Draft(kind="reaction", message=ours.public_id, emoji="👍"),
        Draft(kind="edit", message=ours.public_id, text="hello"),
    )
    assert accepted == [ours, ours]
    assert not Reaction.objects.exists()

    for command in Command.objects.order_by("pk"):
        finish(command)

    ours.refresh_from_db()
    assert (ours.text, ours.edited_at) == ("hello", NOON)
    assert Reaction.objects.get().emoji == "👍"
    assert Message.objects.count() == 1


def test_a_revoked_message_is_emptied(session, ours):
    accept(session, Draft(kind="revoke", message=ours.public_id))

    finish(Command.objects.get())

    ours.refresh_from_db()
    assert (ours.text, ours.revoked_at) == ("", NOON)


@pytest.mark.parametrize("kind", payloads.KINDS)
def test_every_payload_reads_back_as_it_was_written(session, ours, kind):
    message = {"reply_to" if kind == "text" else "message": ours.public_id}
    accept(session, Draft(kind=kind, text="x", emoji="👍", **message))

    payload = Command.objects.get().payload
    again = payloads.from_outgoing(payloads.to_outgoing(payload))
    assert again.items() <= payload.items()


def test_an_edit_comes_within_fifteen_minutes(session, ours):
    draft = Draft(kind="edit", message=ours.public_id, text="hello")

    assert accept(session, draft, now=NOON + timedelta(minutes=15))
    with pytest.raises(drafts.EditWindowOver):
        accept(session, draft, now=NOON + timedelta(minutes=15, seconds=1))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"status": MessageStatus.QUEUED}, drafts.MessageNotSent),
        ({"wa_id": ""}, drafts.MessageNotSent),
        ({"direction": "INBOUND", "status": "RECEIVED"}, drafts.InvalidTarget),
        ({"revoked_at": NOON}, drafts.InvalidTarget),
        ({"kind": "image"}, drafts.InvalidTarget),
    ],
)
def test_some_messages_can_not_be_edited(session, fields, refusal):
    message = make_message(session, **({"status": MessageStatus.SENT} | fields))

    with pytest.raises(refusal):
        accept(session, Draft(kind="edit", message=message.public_id, text="x"))

    assert not Command.objects.exists()


def test_another_sessions_message_is_not_there(session):
    other = make_message(make_session(), status=MessageStatus.SENT)

    with pytest.raises(errors.Missing):
        accept(session, Draft(kind="revoke", message=other.public_id))


def test_an_engine_that_can_not_is_named_with_what_it_lacks(session, ours, monkeypatch):
    monkeypatch.setattr(capabilities, "has", lambda *_: False)

    with pytest.raises(capabilities.CapabilityMissing) as refused:
        accept(session, Draft(kind="reaction", message=ours.public_id, emoji="👍"))

    assert refused.value.details["capability"] == Capability.REACTIONS


def test_a_restricted_account_answers_but_writes_to_nobody_new(ours, session):
    session.status, session.retry_at = SessionStatus.RESTRICTED, NOON

    assert accept(session, Draft(ADA, "still here"))
    with pytest.raises(sending.AccountRestricted) as refused:
        accept(session, Draft("+1 555 010 0999", "hello"))

    assert refused.value.details["until"] == NOON.isoformat(timespec="seconds")


def test_a_number_is_completed_with_the_workspaces_country(session):
    session.tenant.default_country = "DE"

    (message,) = accept(session, Draft("0171 2345678", "hallo"))

    assert message.chat == "491712345678@s.whatsapp.net"


def test_a_deleted_session_sends_nothing_again(session):
    message = make_message(session, status=MessageStatus.UNKNOWN)
    session.desired = DesiredState.DELETED
    settle = {"session": session, "message_id": message.public_id, "actor": "usr_1"}

    with pytest.raises(SessionNotFound):
        resolving.resolve(**settle, choice=resolving.Choice.RESEND, now=NOON)

    assert not Command.objects.exists()
    resolving.resolve(**settle, choice=resolving.Choice.FAILED, now=NOON)


@pytest.mark.parametrize(
    ("choice", "status", "state"),
    [
        ("sent", MessageStatus.SENT, CommandState.DONE),
        ("failed", MessageStatus.FAILED, CommandState.FAILED),
        ("resend", MessageStatus.QUEUED, CommandState.FAILED),
    ],
)
def test_somebody_settles_what_is_unknown(session, choice, status, state):
    (message,) = accept(session, Draft(ADA, "hello"))
    outcomes.record(outcomes=[outcomes.Unknown(message.public_id, "crash")], now=NOON)
    Command.objects.update(state=CommandState.UNKNOWN)
    settle = {
        "session": session,
        "message_id": message.public_id,
        "choice": resolving.Choice(choice),
        "actor": "usr_1",
        "now": NOON,
    }

    assert resolving.resolve(**settle).status == status

    commands = list(Command.objects.order_by("pk"))
    assert commands[0].state == state
    assert [one.payload for one in commands[1:]] == [commands[0].payload] * (choice == "resend")
    with pytest.raises(resolving.NotUnknown):
        resolving.resolve(**settle)
