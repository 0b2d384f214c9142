"""Reactions, edits and revocations change messages that are here."""

from datetime import timedelta

import pytest

from sessions_app.contacts.services import identities
from sessions_app.engines.events import (
    IdentityMapped,
    MessageEdited,
    MessageRevoked,
    ReactionReceived,
)
from sessions_app.messaging.models import Message, Reaction
from sessions_app.messaging.services import changes, inbound
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import (
    ADA,
    NOON,
    make_message,
    received,
    reported,
)
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

LATER = NOON + timedelta(minutes=1)
BOB = "15550100999@s.whatsapp.net"
ADAS_LID = "118500100000123@lid"


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def theirs(session):
    inbound.record(received=[(session, received("WA1"))], now=NOON)
    reported().delete()
    return Message.objects.get()


def react(session, emoji, at=NOON, **fields):
    values = {"chat": ADA, "sender": ADA, "target_wa_id": "WA1"} | fields
    event = ReactionReceived(emoji=emoji, at=at, **values)
    return changes.apply_reactions(changes=[(session, event)], now=at)


def edit(session, text, at=LATER, *, chat=ADA, sender=ADA, wa_id="WA1"):
    event = MessageEdited(chat, sender, wa_id, text, at)
    return changes.apply_edits(changes=[(session, event)], now=at)


def revoke(session, *, sender=ADA, wa_id="WA1"):
    event = MessageRevoked(ADA, sender, wa_id, LATER)
    return changes.apply_revokes(changes=[(session, event)], now=LATER)


def test_a_reaction_is_kept_and_reported(session, theirs):
    assert react(session, "👍") == 1

    reaction = Reaction.objects.get()
    assert (reaction.message, reaction.sender, reaction.emoji) == (theirs, ADA, "👍")
    event = reported().get()
    assert (event.name, event.payload["emoji"]) == ("message.reaction", "👍")


def test_a_reaction_to_ours_is_kept(session):
    message = make_message(session, status=MessageStatus.SENT, wa_id="WA9")

    assert react(session, "👍", target_wa_id="WA9") == 1

    assert Reaction.objects.get().message == message


def test_of_two_reactions_the_newer_counts_whatever_comes_first(session, theirs):
    react(session, "❤️", at=LATER)

    assert react(session, "👍", at=NOON) == 0
    assert react(session, "❤️", at=LATER) == 0

    assert Reaction.objects.get().emoji == "❤️"
    assert reported().count() == 1


def test_a_reaction_that_is_taken_back_stays_away(session, theirs):
    react(session, "", at=LATER)

    assert react(session, "👍", at=NOON) == 0

    assert Reaction.objects.get().emoji == ""


def test_an_edit_changes_the_text_once(session, theirs):
    assert edit(session, "hello\x00") == 1
    assert edit(session, "hello") == 0
    assert edit(session, "older", at=NOON) == 0

    theirs.refresh_from_db()
    assert (theirs.text, theirs.edited_at) == ("hello", LATER)
    event = reported().get()
    assert (event.name, event.payload["text"]) == ("message.edited", "hello")


@pytest.mark.parametrize(
    "change", [lambda s: edit(s, "mine", sender=BOB), lambda s: revoke(s, sender=BOB)]
)
def test_only_the_author_changes_a_message(session, theirs, change):
    assert change(session) == 0

    theirs.refresh_from_db()
    assert (theirs.text, theirs.edited_at, theirs.revoked_at) == ("hi", None, None)
    assert not reported().exists()


def test_the_other_side_can_not_edit_ours(session):
    message = make_message(session, status=MessageStatus.SENT, wa_id="WA9")

    assert edit(session, "I owe you", wa_id="WA9") == 0
    assert edit(session, "fixed", sender=session.jid, wa_id="WA9") == 1

    message.refresh_from_db()
    assert message.text == "fixed"


def test_what_was_deleted_for_everybody_is_emptied_here_too(session, theirs):
    assert revoke(session) == 1
    assert revoke(session) == 0
    assert edit(session, "back again") == 0

    theirs.refresh_from_db()
    assert (theirs.text, theirs.revoked_at) == ("", LATER)
    assert [event.name for event in reported()] == ["message.revoked"]


def test_a_change_of_a_message_that_never_came_is_dropped(session):
    assert react(session, "👍") == edit(session, "x") == revoke(session) == 0

    assert not reported().exists()


def test_changes_under_the_lid_find_what_is_still_under_the_number(session, theirs):
    ours = make_message(session, status=MessageStatus.SENT)
    known = IdentityMapped(lid=ADAS_LID, phone="15550100123")
    identities.learn(mapped=[(session, known)], now=NOON)

    assert edit(session, "hi there", chat=ADAS_LID, sender=ADAS_LID) == 1
    assert react(session, "👍", chat=ADAS_LID, sender=ADAS_LID, target_wa_id=ours.wa_id) == 1

    theirs.refresh_from_db()
    assert (theirs.text, theirs.chat) == ("hi there", ADA)
    assert Reaction.objects.get(message=ours).sender == ADAS_LID
