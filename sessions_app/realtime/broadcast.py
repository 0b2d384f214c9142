"""From the outbox to the sockets, through the channel layer."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import TransportDown
from sessions_app.realtime import protocol

if TYPE_CHECKING:
    from sessions_app.realtime.audience import Numbered

_TIMEOUT_SECONDS = 10  # for a whole batch; a Redis that hangs is a Redis that is away


def push(events: Sequence[OutboxEvent]) -> None:
    """Push a batch to the sockets of the tenants concerned: one message per tenant.

    :raises TransportDown: Redis is away; the relay keeps the events and comes back.
    """
    frames: defaultdict[int, list[Numbered]] = defaultdict(list)
    for event in events:
        if event.tenant_id is not None and event.seq is not None:
            frames[event.tenant_id].append(protocol.number(event, event.seq))
    _send(
        {
            protocol.tenant_group(tenant_id): {"type": "events.pushed", "frames": pushed}
            for tenant_id, pushed in frames.items()
        }
    )


def reconsider(*, credential_id: str) -> None:
    """Close every socket of a token or key that does not work any more, in all processes.

    :raises TransportDown: Redis is away; the relay comes back.
    """
    _send({protocol.credential_group(credential_id): {"type": "credential.changed"}})


def _send(messages: dict[str, dict[str, Any]]) -> None:
    """Send to all groups at once: entering the event loop costs more than a send."""
    if not messages:
        return
    try:
        async_to_sync(_send_all)(messages)
    except (redis.RedisError, OSError, TimeoutError) as error:
        raise TransportDown(f"channel layer: {error}") from error


async def _send_all(messages: dict[str, dict[str, Any]]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        await asyncio.gather(
            *(layer.group_send(group, message) for group, message in messages.items())
        )
