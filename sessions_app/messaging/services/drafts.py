"""What a caller wants to send, checked against the session's own messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orsta.core import errors
from sessions_app import jids
from sessions_app.contacts import selectors as contacts
from sessions_app.engines.outgoing import (
    Outgoing,
    OutgoingEdit,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)
from sessions_app.messaging.models import Message
from sessions_app.messaging.selectors import MessageNotFound
from sessions_app.messaging.services import payloads
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus
from sessions_app.models import Session

MAX_TEXT_LENGTH = 65_536  # characters; WhatsApp's own limit for a text
MAX_EMOJI_LENGTH = 32  # characters; a family with skin tones has eleven
# WhatsApp's rule, https://faq.whatsapp.com/1203044960588113
EDIT_WINDOW = timedelta(minutes=15)
_PREVIEW_LENGTH = 1_000  # characters of a quoted text; clients show a few lines
_OUT = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ})


class InvalidRecipient(errors.Invalid):
    """Nobody can be reached there."""

    code = "invalid_recipient"


class InvalidText(errors.Invalid):
    """WhatsApp takes no such text."""

    code = "invalid_text"


class InvalidTarget(errors.Invalid):
    """That can't be done to this message."""

    code = "invalid_target"


class MessageNotSent(errors.Conflict):
    """WhatsApp does not have the message (yet), so nothing can be done to it."""

    code = "message_not_sent"


class EditWindowOver(errors.Conflict):
    """WhatsApp takes no edit of a message that is so old."""

    code = "edit_window_over"


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to send, or something to do to a message.

    :param to: for texts: a phone number or a JID, in any common spelling; not needed for
        a reply.
    :param kind: of `payloads.KINDS`.
    :param reply_to: for texts: public id of the message that it answers.
    :param message: for the other kinds: public id of the message that they are about.
    :param emoji: for reactions; empty takes the reaction back.
    """

    to: str = ""
    text: str = ""
    kind: str = payloads.TEXT
    reply_to: str = ""
    message: str = ""
    emoji: str = ""

    @property
    def about(self) -> str:
        """Return the public id of the message that it refers to; empty for none."""
        return self.reply_to if self.kind == payloads.TEXT else self.message


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft that can be sent, with the message of ours that it refers to."""

    outgoing: Outgoing
    about: Message | None


def check(
    session: Session, drafts: Sequence[Draft], wa_ids: Sequence[str], *, now: datetime
) -> list[Checked]:
    """Return what to send, in order; chats are named as the session knows them.

    :param wa_ids: ids for what is sent, one for each draft.
    :raises DomainError: a draft can't be sent; `index` says which.
    """
    known = _messages(session, [draft.about for draft in drafts if draft.about])
    given = _given(session, drafts, known)
    named = _named(session, [*given, *(message.chat for message in known.values())])
    checked = []
    for index, draft in enumerate(drafts):
        about, chat = known.get(draft.about), named[given[index]]
        if about is None and (draft.about or draft.kind != payloads.TEXT):
            raise MessageNotFound("There is no such message.", index=index)
        if about is not None:
            is_here = named[about.chat] == chat
            _check_about(draft, about, is_here=is_here, index=index, now=now)
        outgoing = _outgoing(session, draft, about, wa_ids[index], chat, index)
        checked.append(Checked(outgoing, about))
    return checked


def _messages(session: Session, public_ids: Sequence[str]) -> dict[str, Message]:
    if not public_ids:
        return {}
    found = session.messages.filter(public_id__in=set(public_ids))
    return {message.public_id: message for message in found}


def _given(session: Session, drafts: Sequence[Draft], known: dict[str, Message]) -> list[str]:
    """Return where each draft goes: what was given, or where the message is."""
    return [
        _recipient(session, draft, index)
        if draft.to or draft.about not in known
        else known[draft.about].chat
        for index, draft in enumerate(drafts)
    ]


def _named(session: Session, chats: Sequence[str]) -> dict[str, str]:
    """Return how the session names these chats now; messages may not have followed yet."""
    behind = contacts.people_behind((session.pk, jid) for jid in chats)
    return {jid: behind.get((session.pk, jid), jid) for jid in chats}


def _recipient(session: Session, draft: Draft, index: int) -> str:
    if draft.kind != payloads.TEXT and not draft.to:
        return ""  # the message is not there; `check` says so
    try:
        return jids.parse_recipient(draft.to, session.tenant.default_country)
    except jids.InvalidRecipient as error:
        raise InvalidRecipient(str(error), index=index) from error


def _check_about(
    draft: Draft, about: Message, *, is_here: bool, index: int, now: datetime
) -> None:
    """Check whether that can be done to the message.

    :param is_here: it is in the chat to which the draft goes.
    :raises DomainError: it can't.
    """
    mine = about.direction == Direction.OUTBOUND
    if not about.wa_id or (mine and about.status not in _OUT):
        raise MessageNotSent("WhatsApp does not have this message (yet).", index=index)
    if not is_here:
        raise InvalidTarget("The message is in another chat.", index=index)
    if about.revoked_at is not None:
        raise InvalidTarget("The message was deleted for everybody.", index=index)
    if draft.kind in {payloads.EDIT, payloads.REVOKE} and not mine:
        raise InvalidTarget("Only messages of this account can be changed.", index=index)
    if draft.kind == payloads.EDIT:
        _check_edit(about, index=index, now=now)


def _check_edit(about: Message, *, index: int, now: datetime) -> None:
    if about.kind != MessageKind.TEXT:
        raise InvalidTarget("Only texts can be edited.", index=index)
    if about.sent_at is not None and about.sent_at < now - EDIT_WINDOW:
        minutes = EDIT_WINDOW // timedelta(minutes=1)
        raise EditWindowOver(f"WhatsApp takes edits for {minutes} minutes.", index=index)


def _outgoing(
    session: Session, draft: Draft, about: Message | None, wa_id: str, chat: str, index: int
) -> Outgoing:
    if about is None:
        return OutgoingText(wa_id, chat, _text(draft, index))
    target = quoted(session, about)
    match draft.kind:
        case payloads.REACTION:
            return OutgoingReaction(wa_id, chat, target, _emoji(draft, index))
        case payloads.EDIT:
            return OutgoingEdit(wa_id, chat, target, _text(draft, index))
        case payloads.REVOKE:
            return OutgoingRevoke(wa_id, chat, target)
        case _:
            return OutgoingText(wa_id, chat, _text(draft, index), target)


def quoted(session: Session, message: Message) -> Quoted:
    """Return a message of the session as engines name it."""
    mine = message.direction == Direction.OUTBOUND
    sender = session.jid if mine else message.sender
    return Quoted(message.wa_id, sender, mine, message.text[:_PREVIEW_LENGTH])


def _emoji(draft: Draft, index: int) -> str:
    if len(draft.emoji) > MAX_EMOJI_LENGTH or not _is_text(draft.emoji):
        raise InvalidText("This is not an emoji.", index=index)
    return draft.emoji


def _text(draft: Draft, index: int) -> str:
    if not draft.text.strip():
        raise InvalidText("The text is empty.", index=index)
    if len(draft.text) > MAX_TEXT_LENGTH:
        limit = f"{MAX_TEXT_LENGTH:,}"
        raise InvalidText(f"The text is longer than {limit} characters.", index=index)
    if not _is_text(draft.text):
        raise InvalidText("The text holds characters that are not text.", index=index)
    return draft.text


def _is_text(written: str) -> bool:
    return "\x00" not in written and not any("\ud800" <= one <= "\udfff" for one in written)
