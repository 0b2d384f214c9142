"""Builders of messages, and of what engines report about them."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db.models import QuerySet

from orsta.core.outbox.models import OutboxEvent
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.events import MessageReceived, ReceiptReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.models import Session

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = "15550100123@s.whatsapp.net"
_numbers = count(1)


def make_message(
    session: Session, *, status: str = MessageStatus.QUEUED, **fields: Any
) -> Message:
    """Save an outbound message in any status, as if it had come there."""
    values: dict[str, Any] = {
        "direction": Direction.OUTBOUND,
        "chat": ADA,
        "sender": session.jid,
        "wa_id": f"3EB0{next(_numbers):018X}",
        "text": "hello",
        "status": status,
        "created_at": NOON,
    }
    return Message.objects.create(
        tenant_id=session.tenant_id, session=session, **(values | fields)
    )


def received(wa_id: str = "WA1", *, sender: str = ADA, **fields: Any) -> MessageReceived:
    """Return what an engine reports when somebody writes."""
    values: dict[str, Any] = {
        "chat": sender,
        "text": "hi",
        "sent_at": NOON,
        "push_name": "Ada",
    }
    return MessageReceived(wa_id=wa_id, sender=sender, **(values | fields))


def receipt(*messages: Message, kind: str, at: datetime = NOON) -> ReceiptReceived:
    """Return the receipt that names these messages."""
    return ReceiptReceived(tuple(m.wa_id for m in messages), ReceiptKind(kind), at)


def reported() -> QuerySet[OutboxEvent]:
    """Return the events of messages, oldest first."""
    return OutboxEvent.objects.filter(name__startswith="message.").order_by("pk")
