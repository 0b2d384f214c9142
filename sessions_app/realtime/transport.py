"""The asynchronous half of a socket: pushes, limits, time; the consumer is the other half.

Pushes never leave the event loop. Frames run in a small pool of threads, not in the one
thread that asgiref shares among all consumers: a slow query of one client delays nobody.
Redis may be away: the socket stays open, answers, and catches up from the outbox.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import JsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.utils import await_many_dispatch
from django.db import DatabaseError

from accounts.principal import Principal
from orsta.core.observability import metrics
from sessions_app.realtime import limits, protocol
from sessions_app.realtime.audience import Numbered
from sessions_app.realtime.protocol import CloseCode
from sessions_app.realtime.stream import Stream

logger = logging.getLogger(__name__)

# With the 3 s that a credential may be remembered for, a revoked one loses its sockets within
# 5 s even if its event never arrives.
LOOK_SECONDS = 1.8
CATCH_UP_EVERY = 3  # looks
JOIN_SECONDS = 60.0  # a Redis that lost its memory gets the memberships back after this
SEND_SECONDS = 10.0  # a client that does not read for so long is cut off
_RETRY_SECONDS = 1.0
_REDIS_SECONDS = 1.0
_REDIS_AWAY = (redis.RedisError, OSError)  # a time-out is an OSError
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="socket")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run what queries, in the sockets' own threads."""
    call = database_sync_to_async(function, thread_sensitive=False, executor=_THREADS)
    return await call(*args)


class Socket(JsonWebsocketConsumer):
    """A consumer whose handlers are synchronous and whose pushes are not.

    Everything that happens to a socket happens one after the other, in `dispatch`.
    """

    principal: Principal
    stream: Stream

    def is_valid(self) -> bool:
        """Say whether the credential still works. Runs in a thread."""
        raise NotImplementedError

    def is_still_valid(self) -> bool:
        """Say the same of a credential that just changed. Runs in a thread."""
        raise NotImplementedError

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection until either side closes it."""
        self.scope = scope
        self.principal = scope["principal"]
        self.stream = Stream(self.principal)
        self.channel_layer = get_channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        self.base_send = async_to_sync(self._send)
        self._raw_send = send
        self._accepted = self._closed = False
        self._allowance = limits.Allowance(at=time.monotonic())
        self._looks = 0
        self._newest = 0  # the tenant's newest event when the socket last caught up
        self._look_in = random.uniform(0, LOOK_SECONDS)  # noqa: S311 (spreads the load)
        self._joined_at: float | None = None
        await self._join()
        try:
            await await_many_dispatch(
                [receive, self._next_push, self._next_look], self.dispatch
            )
        except StopConsumer:
            pass
        finally:
            if self._accepted:
                metrics.SOCKETS.dec()
            await self._leave()

    async def dispatch(self, message: Message) -> None:
        """Handle a message of the server, of Redis or of the clock."""
        kind = message["type"]
        if kind == "websocket.disconnect":
            raise StopConsumer
        if kind == "websocket.connect":
            await in_thread(self.connect)
        elif kind == "websocket.receive":
            await self._frame(message.get("text"))
        elif kind == "credential.changed":
            await self._reconsider()
        elif self._accepted and kind == "events.pushed":
            await self._push(message["frames"])
        elif self._accepted and kind == "socket.look":
            await self._look()
        if self._closed:
            raise StopConsumer

    # What goes out.

    async def _send(self, message: Message) -> None:
        """Send unless closed; give up on a client that is gone or does not read."""
        if self._closed:
            return
        self._closed = message["type"] == "websocket.close"
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._raw_send(message)
        except (OSError, RuntimeError):  # gone, not reading, or just closed by the server
            self._closed = True
            raise StopConsumer from None
        if message["type"] == "websocket.accept":
            self._accepted = True
            metrics.SOCKETS.inc()

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: CloseCode) -> None:
        await self._send({"type": "websocket.close", "code": int(code)})

    # What comes in: frames of the client.

    async def _frame(self, text: str | None) -> None:
        """Handle a text frame, or close on what is too much; binary frames are ignored."""
        if text is None:
            return
        try:
            limits.check(text, self._allowance, at=time.monotonic())
        except limits.TooMuch as error:
            await self._send_text(self.encode_json(protocol.error(error)))
            await self._close(error.close_code)
        else:
            await in_thread(self.receive, text)

    # What comes in: events.

    async def _push(self, frames: list[Numbered]) -> None:
        """Send what is new; read from the outbox what Redis lost on the way."""
        fresh = self.stream.take(frames)
        if fresh is None:
            await self._catch_up(until=frames[-1][0])
        await self._tell(fresh or ())

    async def _catch_up(self, *, until: int) -> None:
        while missing := await in_thread(self.stream.missing, until):
            await self._tell(missing)

    async def _tell(self, frames: Iterable[Numbered]) -> None:
        for frame in frames:
            if self.stream.hears(frame):
                await self._send_text(frame[-1])

    async def _next_push(self) -> Message:
        """Return the next message from Redis, however long it is away."""
        task = asyncio.current_task()
        # Asked, because redis-py may turn a cancellation into an error of its own; whoever
        # cancelled then waits for this task, and for ever if it went on.
        while task is None or not task.cancelling():
            try:
                if self._joined_at is not None:
                    message: Message = await self.channel_layer.receive(self.channel_name)
                    return message
                await self._join()
            except _REDIS_AWAY:
                self._joined_at = None
            if self._joined_at is None:
                await asyncio.sleep(_RETRY_SECONDS)
        raise asyncio.CancelledError

    # What time brings.

    async def _next_look(self) -> Message:
        await asyncio.sleep(self._look_in)
        self._look_in = LOOK_SECONDS
        return {"type": "socket.look"}

    async def _look(self) -> None:
        """Close when the credential ended; catch up on what should have arrived by now."""
        try:
            if not await in_thread(self.is_valid):
                await self._close(CloseCode.REVOKED)
                return
            self._looks += 1
            if self._looks % CATCH_UP_EVERY == 0:
                # Since the last time a push had seconds to bring what was new then.
                await self._catch_up(until=self._newest)
                self._newest = await in_thread(self.stream.newest)
        except DatabaseError as error:
            logger.warning("A socket could not be checked", extra={"reason": str(error)})
        loop = asyncio.get_running_loop()
        if self._joined_at is not None and loop.time() - self._joined_at > JOIN_SECONDS:
            await self._join()

    async def _reconsider(self) -> None:
        """Close unless the credential still works: a rotated key may, for some days."""
        try:
            if not await in_thread(self.is_still_valid):
                await self._close(CloseCode.REVOKED)
        except DatabaseError as error:  # the next look comes soon
            logger.warning("A socket could not be checked", extra={"reason": str(error)})

    async def _join(self) -> None:
        """Enter the groups of the tenant and the credential, if Redis is there."""
        self._joined_at = None
        with contextlib.suppress(*_REDIS_AWAY):
            async with asyncio.timeout(_REDIS_SECONDS):
                for group in self._groups():
                    await self.channel_layer.group_add(group, self.channel_name)
            self._joined_at = asyncio.get_running_loop().time()

    async def _leave(self) -> None:
        """Leave the groups; a membership that stays because Redis is away expires there."""
        with contextlib.suppress(*_REDIS_AWAY):
            async with asyncio.timeout(_REDIS_SECONDS):
                for group in self._groups():
                    await self.channel_layer.group_discard(group, self.channel_name)

    def _groups(self) -> tuple[str, str]:
        return (
            protocol.tenant_group(self.principal.tenant.pk),
            protocol.credential_group(self.principal.credential_id),
        )
