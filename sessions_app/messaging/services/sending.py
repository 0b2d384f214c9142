"""Accept messages to send: rows now, the runner's work later."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from orsta.core import errors
from sessions_app import jids
from sessions_app.engines import registry
from sessions_app.engines.base import Capability
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import reporting
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus
from sessions_app.models import Session
from sessions_app.services import commands
from sessions_app.states import CommandKind, SessionStatus, advice_for
from subscriptions.models import Feature
from subscriptions.services import quotas

MAX_TEXT_LENGTH = 65_536  # characters; WhatsApp's own limit for a text
MAX_BATCH = 500
# Sends wait while the session is on its way to the connection.
_ACCEPTING = frozenset(
    {SessionStatus.STARTING, SessionStatus.CONNECTED, SessionStatus.DISCONNECTED}
)
_WA_ID_PREFIX = "3EB0"  # the mark of ids that are chosen by linked devices
_WA_ID_BYTES = 9


class SessionNotReady(errors.Conflict):
    """The session can't send, and waiting alone does not change that."""

    code = "session_not_ready"


class InvalidRecipient(errors.Invalid):
    """Nobody can be reached there."""

    code = "invalid_recipient"


class InvalidText(errors.Invalid):
    """WhatsApp takes no such text."""

    code = "invalid_text"


class InvalidBatch(errors.Invalid):
    """Too many messages at once, or none."""

    code = "invalid_batch"


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to send.

    :param to: a phone number with country code, or a JID; any common spelling.
    """

    to: str
    text: str


@transaction.atomic
def accept_messages(
    *, session: Session, drafts: Sequence[Draft], now: datetime
) -> list[Message]:
    """Record messages and tell the runner to send them, in this order; all or none.

    They count against the plan from now on; those that fail for good are given back.

    :raises SessionNotReady: it was never paired, or has to be started first.
    :raises InvalidRecipient: a recipient is neither a phone number nor a JID.
    :raises InvalidText: a text is empty, too long or not text.
    :raises InvalidBatch: no drafts, or more than `MAX_BATCH`.
    :raises QuotaExceeded: the plan has not that many messages left.
    """
    _check_ready(session)
    if not 0 < len(drafts) <= MAX_BATCH:
        raise InvalidBatch(f"Send 1 to {MAX_BATCH} messages at once, not {len(drafts)}.")
    chooses_id = _takes_our_ids(session)
    takers = [
        (_recipient(draft, index), _text(draft, index)) for index, draft in enumerate(drafts)
    ]
    quotas.reserve(tenant=session.tenant, feature=Feature.MESSAGES, amount=len(drafts), now=now)
    messages = [
        Message(
            tenant_id=session.tenant_id,
            session=session,
            direction=Direction.OUTBOUND,
            kind=MessageKind.TEXT,
            chat=chat,
            sender=session.jid,
            wa_id=_new_wa_id() if chooses_id else "",
            text=text,
            status=MessageStatus.QUEUED,
            created_at=now,
        )
        for chat, text in takers
    ]
    Message.objects.bulk_create(messages)
    commands.queue_many([_send(session, message) for message in messages], now=now)
    reporting.report_queued(messages)
    return messages


def _check_ready(session: Session) -> None:
    if session.hold or session.status not in _ACCEPTING:
        advice = advice_for(session.status, session.hold)
        raise SessionNotReady(f"The session can't send now. {advice}")
    if not session.jid:
        raise SessionNotReady("The session has no account yet: scan its QR code first.")


def _takes_our_ids(session: Session) -> bool:
    return (
        session.engine in registry.kinds()
        and Capability.CLIENT_MESSAGE_ID in registry.engine(session.engine).capabilities
    )


def _recipient(draft: Draft, index: int) -> str:
    try:
        return jids.parse_recipient(draft.to)
    except jids.InvalidRecipient as error:
        raise InvalidRecipient(str(error), index=index) from error


def _text(draft: Draft, index: int) -> str:
    if not draft.text.strip():
        raise InvalidText("The text is empty.", index=index)
    if len(draft.text) > MAX_TEXT_LENGTH:
        limit = f"{MAX_TEXT_LENGTH:,}"
        raise InvalidText(f"The text is longer than {limit} characters.", index=index)
    if "\x00" in draft.text or any("\ud800" <= letter <= "\udfff" for letter in draft.text):
        raise InvalidText("The text holds characters that are not text.", index=index)
    return draft.text


def _new_wa_id() -> str:
    return _WA_ID_PREFIX + secrets.token_hex(_WA_ID_BYTES).upper()


def _send(session: Session, message: Message) -> commands.NewCommand:
    payload = {
        "message_id": message.public_id,
        "to": message.chat,
        "text": message.text,
        "wa_id": message.wa_id,
    }
    return commands.NewCommand(session, CommandKind.SEND, payload)
