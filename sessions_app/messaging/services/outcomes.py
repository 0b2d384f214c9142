"""Record how sends ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sessions_app.contacts.services import storable
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import progress
from sessions_app.messaging.states import MessageStatus


@dataclass(frozen=True, slots=True)
class Sent:
    """WhatsApp's server took the message.

    :param message_id: our public id, here and in the others.
    """

    message_id: str
    wa_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not sent and will not be."""

    message_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was handed over, and nobody knows whether it went out."""

    message_id: str
    error: str


Outcome = Sent | Failed | Unknown


@transaction.atomic(savepoint=False)
def record(*, outcomes: Iterable[Outcome], now: datetime) -> int:
    """Write how sends ended, however many; return how many messages moved.

    An outcome that comes after a receipt or comes twice moves nothing back. The number of
    statements does not grow with the batch.
    """
    ended = list(outcomes)
    messages = progress.lock_by_id(outcome.message_id for outcome in ended)
    batch = progress.Progress(messages.values())
    for outcome in ended:
        if (message := messages.get(outcome.message_id)) is not None:
            _apply(batch, message, outcome)
    return batch.save(now=now)


def _apply(batch: progress.Progress, message: Message, outcome: Outcome) -> None:
    match outcome:
        case Sent(wa_id=wa_id, sent_at=sent_at):
            if message.sent_at is None:
                message.sent_at = sent_at
                message.wa_id = wa_id or message.wa_id
                batch.touch(message)
            if batch.move(message, MessageStatus.SENT):
                message.error = ""
        case Failed(error=error):
            if batch.move(message, MessageStatus.FAILED):
                message.error = _short(error)
        case Unknown(error=error):
            if batch.move(message, MessageStatus.UNKNOWN):
                message.error = _short(error)


def _short(error: str) -> str:
    return storable.text(error, limit=progress.ERROR_LENGTH)
