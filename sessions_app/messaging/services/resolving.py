"""Settle messages of which nobody knows whether they went out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from accounts.services import audit
from orsta.core import errors
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.messaging.models import Message
from sessions_app.messaging.selectors import MessageNotFound
from sessions_app.messaging.services import payloads, progress, reporting
from sessions_app.messaging.states import MessageStatus
from sessions_app.models import Command, Session
from sessions_app.selectors import SessionNotFound
from sessions_app.services import commands
from sessions_app.states import CommandKind, CommandState, DesiredState

_ERROR = "Somebody looked: it did not go out."


class NotUnknown(errors.Conflict):
    """What became of the message is known."""

    code = "outcome_known"


class Choice(StrEnum):
    """What somebody found out, or wants."""

    RESEND = "resend"
    SENT = "sent"
    FAILED = "failed"


@transaction.atomic
def resolve(
    *,
    session: Session,
    message_id: str,
    choice: Choice,
    actor: str,
    now: datetime,
    reason: str = "",
) -> Message:
    """Settle one message as somebody says, who looked at the phone.

    A repetition goes out with the same `wa_id` if the first try had one: should WhatsApp
    have the message after all, it stays one. What failed is given back to the plan.

    :param message_id: the public id.
    :param reason: how they know; kept in the audit log.
    :raises MessageNotFound: it does not exist, or is not this session's.
    :raises NotUnknown: what became of it is known.
    :raises SessionNotFound: to send it again, its session would have to exist.
    """
    message = progress.lock_by_id([message_id]).get(message_id)
    if message is None or message.session_id != session.pk:
        raise MessageNotFound("There is no such message.")
    if message.status != MessageStatus.UNKNOWN:
        raise NotUnknown("What became of this message is known.")
    if choice == Choice.RESEND and session.desired == DesiredState.DELETED:
        raise SessionNotFound("The session is deleted, and sends nothing any more.")
    command = _command(session, message)
    match choice:
        case Choice.RESEND:
            _resend(session, message, command, now=now)
        case Choice.SENT:
            _settle(message, MessageStatus.SENT, now=now)
        case Choice.FAILED:
            _settle(message, MessageStatus.FAILED, now=now)
    if command is not None and choice != Choice.SENT:  # what was sent ends its command itself
        _close(command, now=now)
    audit.record(
        action="message.resolved",
        actor=actor,
        now=now,
        tenant=session.tenant,
        target=message.public_id,
        choice=choice.value,
        reason=reason,
    )
    return message


def _command(session: Session, message: Message) -> Command | None:
    sends = Command.objects.filter(
        session=session, kind=CommandKind.SEND, state=CommandState.UNKNOWN
    )
    mine = sends.filter(payload__message_id=message.public_id)
    return mine.select_for_update().order_by("-pk").first()


def _settle(message: Message, status: MessageStatus, *, now: datetime) -> None:
    batch = progress.Progress([message])
    batch.move(message, status)
    message.sent_at = now if status == MessageStatus.SENT else None
    message.error = _ERROR if status == MessageStatus.FAILED else ""
    batch.save(now=now)


def _resend(
    session: Session, message: Message, command: Command | None, *, now: datetime
) -> None:
    payload = command.payload if command is not None else _payload(message)
    message.status, message.error = MessageStatus.QUEUED, ""
    message.save(update_fields=["status", "error"])
    commands.queue(session=session, kind=CommandKind.SEND, payload=payload, now=now)
    reporting.report_queued([message])


def _payload(message: Message) -> dict[str, Any]:
    """Return what sends the text again; the command that knew more is gone."""
    text = OutgoingText(message.wa_id, message.chat, message.text)
    return payloads.from_outgoing(text) | {"message_id": message.public_id}


def _close(command: Command, *, now: datetime) -> None:
    command.state = CommandState.FAILED
    command.finished_at = now
    command.save(update_fields=["state", "finished_at"])
