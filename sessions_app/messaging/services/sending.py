"""Accept messages to send: rows now, the runner's work later."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from orsta.core import errors
from sessions_app import jids
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.outgoing import OutgoingText, needed_for
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import payloads, reporting
from sessions_app.messaging.services.drafts import (
    MAX_TEXT_LENGTH,
    Checked,
    Draft,
    InvalidRecipient,
    InvalidText,
    check,
)
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus
from sessions_app.models import Session
from sessions_app.services import capabilities, commands
from sessions_app.states import LINKING, LIVE, CommandKind, SessionStatus, advice_for
from subscriptions.models import Feature
from subscriptions.services import quotas

__all__ = ["MAX_TEXT_LENGTH", "Draft", "InvalidRecipient", "InvalidText", "accept_messages"]

MAX_BATCH = 500
# Sends wait while the session is on its way to the connection.
_ACCEPTING = LIVE - LINKING
_WA_ID_PREFIX = "3EB0"  # the mark of ids that are chosen by linked devices
_WA_ID_BYTES = 9
_PEOPLE = frozenset({jids.PHONE_SERVER, jids.LID_SERVER})

# A chat is not new once a message came or went. One probe per chat, however long it is.
_KNOWN_CHATS = """
SELECT named.chat FROM unnest(%s::text[]) AS named (chat)
WHERE EXISTS (
    SELECT FROM messaging_message message
    WHERE message.session_id = %s AND message.chat = named.chat
        AND message.status IN ('RECEIVED', 'SENT', 'DELIVERED', 'READ')
)
"""


class SessionNotReady(errors.Conflict):
    """The session can't send, and waiting alone does not change that."""

    code = "session_not_ready"


class AccountRestricted(errors.Conflict):
    """WhatsApp lets the account answer, but write to nobody new."""

    code = "account_restricted"


class InvalidBatch(errors.Invalid):
    """Too many messages at once, or none."""

    code = "invalid_batch"


@transaction.atomic
def accept_messages(
    *, session: Session, drafts: Sequence[Draft], now: datetime
) -> list[Message]:
    """Record messages and tell the runner to send them, in this order; all or none.

    Texts count against the plan from now on; those that fail for good are given back. What
    is done to a message (a reaction, an edit, a revocation) counts nothing.

    :return: for each draft the new message, or the one that it is about.
    :raises SessionNotReady: it was never paired, or has to be started first.
    :raises AccountRestricted: WhatsApp lets it write to nobody new now.
    :raises CapabilityMissing: the session's engine can't send that.
    :raises DomainError: a draft can't be sent: `drafts` has the reasons.
    :raises InvalidBatch: no drafts, or more than `MAX_BATCH`.
    :raises QuotaExceeded: the plan has not that many messages left.
    """
    _check_ready(session)
    if not 0 < len(drafts) <= MAX_BATCH:
        raise InvalidBatch(f"Send 1 to {MAX_BATCH} messages at once, not {len(drafts)}.")
    chooses_id = capabilities.has(session, Capability.CLIENT_MESSAGE_ID)
    wa_ids = [_new_wa_id() if chooses_id else "" for _ in drafts]
    checked = check(session, drafts, wa_ids, now=now)
    for needed in {needed_for(one.outgoing) for one in checked}:
        if needed is not None:
            capabilities.require(session, needed)
    new_chats = _new_chats(session, (one.outgoing.to for one in checked))
    _check_restriction(session, new_chats)
    return _accept(session, checked, new_chats, now=now)


def _check_ready(session: Session) -> None:
    if session.hold or session.status not in _ACCEPTING:
        advice = advice_for(session.status, session.hold)
        raise SessionNotReady(f"The session can't send now. {advice}")
    if not session.jid:
        raise SessionNotReady("The session has no account yet: scan its QR code first.")


def _new_chats(session: Session, chats: Iterable[str]) -> set[str]:
    """Return which of these people have neither written nor been written to."""
    people = {chat for chat in chats if chat.rpartition("@")[2] in _PEOPLE}
    if not people:
        return people
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_CHATS, [sorted(people), session.pk])
        return people.difference(chat for (chat,) in cursor.fetchall())


def _check_restriction(session: Session, new_chats: set[str]) -> None:
    if session.status != SessionStatus.RESTRICTED or not new_chats:
        return
    until = session.retry_at.isoformat(timespec="seconds") if session.retry_at else None
    raise AccountRestricted(
        "WhatsApp lets this account write to nobody new for a while; answers go out.",
        until=until,
    )


def _accept(
    session: Session, checked: Sequence[Checked], new_chats: set[str], *, now: datetime
) -> list[Message]:
    messages: list[Message] = []
    texts: list[Message] = []
    sends: list[commands.NewCommand] = []
    for one in checked:
        payload = payloads.from_outgoing(one.outgoing)
        if isinstance(one.outgoing, OutgoingText):
            texts.append(_message(session, one.outgoing, now=now))
            messages.append(texts[-1])
            payload["message_id"] = texts[-1].public_id
        elif one.about is not None:
            messages.append(one.about)
            # No message of its own: its outcome changes the one that it is about.
            payload |= {"message_id": "", "target_id": one.about.public_id}
        sends.append(_send(session, payload, is_new_chat=one.outgoing.to in new_chats))
    if texts:
        amount = len(texts)
        quotas.reserve(tenant=session.tenant, feature=Feature.MESSAGES, amount=amount, now=now)
        Message.objects.bulk_create(texts)
        reporting.report_queued(texts)
    commands.queue_many(sends, now=now)
    return messages


def _message(session: Session, outgoing: OutgoingText, *, now: datetime) -> Message:
    return Message(
        tenant_id=session.tenant_id,
        session=session,
        direction=Direction.OUTBOUND,
        kind=MessageKind.TEXT,
        chat=outgoing.to,
        sender=session.jid,
        wa_id=outgoing.message_id,
        text=outgoing.text,
        quoted_wa_id=outgoing.quoted.wa_id if outgoing.quoted else "",
        status=MessageStatus.QUEUED,
        created_at=now,
    )


def _send(
    session: Session, payload: dict[str, Any], *, is_new_chat: bool
) -> commands.NewCommand:
    # While the account is restricted the runner leaves these in the queue.
    marks = {"new_chat": True} if is_new_chat else {}
    return commands.NewCommand(session, CommandKind.SEND, payload | marks)


def _new_wa_id() -> str:
    return _WA_ID_PREFIX + secrets.token_hex(_WA_ID_BYTES).upper()
