"""Record how sends ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from sessions_app.contacts.services import storable
from sessions_app.engines.events import MessageEdited, MessageRevoked, ReactionReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import changes, payloads, progress, reporting
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


@dataclass(frozen=True, slots=True)
class Changed:
    """WhatsApp's server took a reaction, an edit or a revocation of ours.

    :param target_id: public id of the message it is about.
    :param content: the emoji or the new text.
    """

    target_id: str
    kind: str  # of `payloads.KINDS`
    content: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeFailed:
    """A reaction, an edit or a revocation of ours was not done, or nobody knows.

    :param target_id: public id of the message it is about, which stays as it was.
    """

    target_id: str
    kind: str  # of `payloads.KINDS`
    error: str
    unknown: bool = False


Outcome = Sent | Failed | Unknown | Changed | ChangeFailed


def of_sent(payload: Mapping[str, Any], *, wa_id: str, sent_at: datetime) -> Outcome:
    """Return what it means that the message of this command's payload went out."""
    kind = payload.get("kind", payloads.TEXT)
    if kind == payloads.TEXT:
        return Sent(payload["message_id"], wa_id, sent_at)
    content = payload.get("emoji", payload.get("text", ""))
    return Changed(payload["target_id"], kind, content, sent_at)


def of_unsent(payload: Mapping[str, Any], *, error: str, unknown: bool = False) -> Outcome:
    """Return what it means that the message of this command's payload did not go out.

    :param unknown: it may have, but nobody knows.
    """
    kind = payload.get("kind", payloads.TEXT)
    if kind != payloads.TEXT:
        return ChangeFailed(payload["target_id"], kind, error, unknown)
    known = Unknown if unknown else Failed
    return known(payload["message_id"], error)


@transaction.atomic(savepoint=False)
def record(*, outcomes: Iterable[Outcome], now: datetime) -> int:
    """Write how sends ended, however many; return how many messages moved.

    An outcome that comes after a receipt or comes twice moves nothing back. The number of
    statements does not grow with the batch. A change that failed moves no message: it is
    told of, once each time it comes.
    """
    ended = list(outcomes)
    sends = [one for one in ended if isinstance(one, Sent | Failed | Unknown)]
    messages = progress.lock_by_id(outcome.message_id for outcome in sends)
    batch = progress.Progress(messages.values())
    for outcome in sends:
        if (message := messages.get(outcome.message_id)) is not None:
            _apply(batch, message, outcome)
    if changed := [one for one in ended if isinstance(one, Changed)]:
        _change(changed, now=now)
    if failed := [one for one in ended if isinstance(one, ChangeFailed)]:
        _tell(failed)
    return batch.save(now=now)


def _change(changed: Sequence[Changed], *, now: datetime) -> None:
    """Do to our rows what was done to the messages, as if WhatsApp had told of it."""
    locked = progress.lock_by_id(outcome.target_id for outcome in changed)
    made = [
        (message.session, _as_event(outcome, message))
        for outcome in changed
        if (message := locked.get(outcome.target_id)) is not None
    ]
    reactions = [(s, event) for s, event in made if isinstance(event, ReactionReceived)]
    edits = [(s, event) for s, event in made if isinstance(event, MessageEdited)]
    revokes = [(s, event) for s, event in made if isinstance(event, MessageRevoked)]
    changes.apply_reactions(changes=reactions, now=now)
    changes.apply_edits(changes=edits, now=now)
    changes.apply_revokes(changes=revokes, now=now)


def _tell(failed: Sequence[ChangeFailed]) -> None:
    ids = {outcome.target_id for outcome in failed}
    rows = Message.objects.filter(public_id__in=ids).select_related("session")
    known = {message.public_id: message for message in rows}
    reporting.report_failed_changes(
        reporting.FailedChange(
            known[outcome.target_id], outcome.kind, _short(outcome.error), outcome.unknown
        )
        for outcome in failed
        if outcome.target_id in known
    )


def _as_event(
    outcome: Changed, message: Message
) -> ReactionReceived | MessageEdited | MessageRevoked:
    names = (message.chat, message.session.jid, message.wa_id)
    match outcome.kind:
        case payloads.REACTION:
            return ReactionReceived(*names, outcome.content, outcome.at)
        case payloads.EDIT:
            return MessageEdited(*names, outcome.content, outcome.at)
        case _:
            return MessageRevoked(*names, outcome.at)


def _apply(
    batch: progress.Progress, message: Message, outcome: Sent | Failed | Unknown
) -> None:
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
