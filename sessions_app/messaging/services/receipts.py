"""Move our messages along as receipts arrive."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.events import ReceiptReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import progress
from sessions_app.messaging.states import MessageStatus
from sessions_app.models import Session

_STATUS = {
    ReceiptKind.DELIVERED: MessageStatus.DELIVERED,
    ReceiptKind.READ: MessageStatus.READ,
}


@transaction.atomic(savepoint=False)
def apply(*, receipts: Iterable[tuple[Session, ReceiptReceived]], now: datetime) -> int:
    """Move the messages that receipts name; return how many steps that made.

    Receipts repeat, overtake each other and the send's outcome, and name messages we never
    saw; none of that moves a message back. The number of statements does not grow with the
    batch.
    """
    batch = list(receipts)
    named = [(session, wa_id) for session, receipt in batch for wa_id in receipt.wa_ids]
    messages = progress.lock_by_wa_id(named)
    moved = progress.Progress(messages.values())
    for session, receipt in batch:
        for wa_id in receipt.wa_ids:
            if (message := messages.get((session.pk, wa_id))) is not None:
                _apply(moved, message, receipt)
    return moved.save(now=now)


def _apply(moved: progress.Progress, message: Message, receipt: ReceiptReceived) -> None:
    if not moved.move(message, _STATUS[receipt.kind]):
        return
    message.error = ""
    message.delivered_at = message.delivered_at or receipt.at
    if receipt.kind == ReceiptKind.READ:
        message.read_at = receipt.at
