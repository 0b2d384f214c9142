"""Reads of messages. The session was read through its tenant."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import Tenant
from orsta.core import errors
from sessions_app.messaging.models import Message, MessageCount, Reaction
from sessions_app.models import Session
from sessions_app.states import DesiredState

_RECENTLY = timedelta(minutes=5)  # what a scrape of /metrics counts

# One index probe per chat ("message_of_chat"), however many messages the chats hold:
# DISTINCT ON would read them all.
_NEWEST_OF_CHATS = """
WITH RECURSIVE newest AS (
    (SELECT id, chat FROM messaging_message WHERE session_id = %(session_id)s
     ORDER BY chat, id DESC LIMIT 1)
    UNION ALL
    SELECT following.id, following.chat FROM newest
    CROSS JOIN LATERAL (
        SELECT id, chat FROM messaging_message
        WHERE session_id = %(session_id)s AND chat > newest.chat
        ORDER BY chat, id DESC LIMIT 1
    ) AS following
)
SELECT message.* FROM messaging_message message
JOIN (SELECT id FROM newest ORDER BY id DESC LIMIT %(limit)s) top USING (id)
ORDER BY id DESC
"""


class MessageNotFound(errors.Missing):
    """No such message, or another session's."""

    code = "message_not_found"


def messages_of(
    session: Session,
    *,
    chat: str = "",
    direction: str = "",
    status: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Message]:
    """Return the session's messages; an empty filter does not filter.

    :param since: made at this moment or later; `until`: before this moment.
    """
    wanted = {
        "chat": chat,
        "direction": direction,
        "status": status,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    messages: QuerySet[Message] = session.messages.all()
    return messages.filter(**{column: value for column, value in wanted.items() if value})


def message_of(session: Session, public_id: str) -> Message:
    """Return one message of the session.

    :raises MessageNotFound: it does not exist, or is not this session's.
    """
    message = messages_of(session).filter(public_id=public_id).first()
    if message is None:
        raise MessageNotFound("There is no such message.")
    return message


def reactions_to(messages: Sequence[Message]) -> dict[int, list[Reaction]]:
    """Return the reactions to these messages by primary key, without those taken back."""
    known: defaultdict[int, list[Reaction]] = defaultdict(list)
    rows = Reaction.objects.filter(message__in=[message.pk for message in messages])
    for reaction in rows.exclude(emoji="").order_by("pk"):
        known[reaction.message_id].append(reaction)
    return known


def counts_of(session: Session) -> QuerySet[MessageCount]:
    """Return how many messages of each kind the session sent, and how many failed."""
    counts: QuerySet[MessageCount] = session.message_counts.order_by("kind")
    return counts


def chats_of(session: Session, *, limit: int = 50) -> list[Message]:
    """Return the newest message of each chat, the liveliest chat first."""
    parameters = {"session_id": session.pk, "limit": limit}
    newest = list(Message.objects.raw(_NEWEST_OF_CHATS, parameters))
    for message in newest:
        message.session = session
    return newest


def archive(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield a tenant's messages for its archive, oldest first."""
    columns = (
        *("public_id", "session__public_id", "direction", "kind", "chat", "sender", "wa_id"),
        *("text", "media", "status", "error", "created_at", "sent_at", "delivered_at"),
        *("read_at", "edited_at", "revoked_at"),
    )
    rows = Message.objects.for_tenant(tenant).exclude(session__desired=DesiredState.DELETED)
    yield from rows.order_by("pk").values(*columns).iterator()


def volume_by_day(*, since: datetime, until: datetime) -> list[tuple[date, str, int]]:
    """Return (day, direction, messages) of all tenants, oldest day first; UTC days."""
    return list(_daily(since=since, until=until))


def metrics() -> Iterable[Metric]:
    """Yield the messages of the last minutes by status."""
    family = GaugeMetricFamily(
        "orsta_messages_recent", "Messages of the last 5 minutes by status", labels=["status"]
    )
    recent = Message.objects.filter(created_at__gt=timezone.now() - _RECENTLY)
    for status, count in recent.order_by().values_list("status").annotate(Count("pk")):
        family.add_metric([status], count)
    yield family


def _daily(*, since: datetime, until: datetime) -> QuerySet[Message, Any]:
    messages = Message.objects.filter(created_at__gte=since, created_at__lt=until)
    days = messages.annotate(day=TruncDate("created_at")).values_list("day", "direction")
    counts: QuerySet[Message, Any] = days.annotate(count=Count("*")).order_by(
        "day", "direction"
    )
    return counts
