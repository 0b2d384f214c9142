"""What the sandbox's connections on one event loop share: a world and one task.

The task writes the sends of all connections together, remembers which receipts were emitted,
and notices streams that lost their device. It ends when the last connection leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sessions_app.engines.base import EngineError
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.sandbox.world import Cursors, Sending, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.outgoing import OutgoingText
    from sessions_app.engines.sandbox.world import Device, Taken

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000  # sends written in one statement
LOOK_SECONDS = 1.0  # between looks for streams that lost their device, at speed 1
SHORTEST_LOOK_SECONDS = 0.1  # whatever the speed
FORGET_SECONDS = 60.0  # between removals of old messages, whatever the speed
PARTING_SECONDS = 1.0  # how long a leaving stream waits for its sink, whatever the speed


@dataclass(frozen=True, slots=True)
class Member:
    """A stream in the hub, and what to call when something happens to it."""

    device: Device
    taken: Callable[[str, Taken], None]  # a message id; called before its `take` returns
    lost: Callable[[bool], None]  # True: another stream has the device; False: nobody has
    kept: Callable[[], Awaitable[None]]  # the sink's


class Hub:
    """Made on its loop. Whoever calls `enter` calls `leave`; the last one to leave ends it."""

    def __init__(self, dsn: str, speed: float) -> None:
        self.world = World(dsn)
        self.over = False  # nobody can enter any more
        self._loop = asyncio.get_running_loop()
        self._pause = max(LOOK_SECONDS / speed, SHORTEST_LOOK_SECONDS)
        self._guests = 0
        self._members: dict[int, Member] = {}
        self._waiting: list[tuple[Sending, asyncio.Future[Taken]]] = []
        self._writing: list[tuple[Sending, asyncio.Future[Taken]]] = []
        self._cursors: dict[str, Cursors] = {}
        self._saving: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run(), name="sandbox hub")

    def enter(self) -> None:
        """Keep the hub alive."""
        self._guests += 1

    def join(self, member: Member) -> None:
        """Watch over a stream."""
        self._members[member.device.stream] = member

    async def leave(self, device: Device | None = None) -> None:
        """Stop watching over a stream and remember how far its receipts came.

        What the sink does not keep in time is not remembered, and so comes again.
        """
        try:
            if device is not None:
                await self._try(self._save_soon)
                self._members.pop(device.stream, None)
        finally:
            self._guests -= 1
            if self._guests == 0:
                self.over = True
                self._task.cancel()
                await asyncio.wait([self._task])

    async def take(self, device: Device, message: OutgoingText) -> Taken:
        """Bring a text into the world, together with those that others send right now.

        :raises EngineError: the stream lost its device, or the database failed.
        """
        if self.over:
            raise _closed()
        taken: asyncio.Future[Taken] = self._loop.create_future()
        self._waiting.append((Sending(device.session_id, device.stream, message), taken))
        self._wake.set()
        return await taken

    def emitted(self, session_id: str, kind: ReceiptKind, upto: int) -> None:
        """Note that a session's receipts were emitted, up to the message with this `seq`."""
        cursors = self._cursors.get(session_id) or Cursors(session_id)
        if kind is ReceiptKind.READ:
            moved = replace(cursors, read_upto=max(upto, cursors.read_upto))
        else:
            moved = replace(cursors, delivered_upto=max(upto, cursors.delivered_upto))
        self._cursors[session_id] = moved

    async def _run(self) -> None:
        look_at = self._loop.time() + self._pause
        forget_at = self._loop.time() + FORGET_SECONDS
        try:
            while True:
                await self._rest(look_at)
                await self._write()
                if self._loop.time() >= look_at:
                    await self._try(self._look)
                    look_at = self._loop.time() + self._pause
                if self._loop.time() >= forget_at:
                    await self._try(self.world.forget)
                    forget_at = self._loop.time() + FORGET_SECONDS
        finally:
            self.over = True
            for _, taken in self._writing + self._waiting:
                _fail(taken, _closed())
            if self._saving is not None:
                self._saving.cancel()
                await asyncio.wait([self._saving])
            await self.world.close()

    async def _rest(self, until: float) -> None:
        if self._waiting:
            return
        self._wake.clear()
        alarm = self._loop.call_at(until, self._wake.set)
        try:
            await self._wake.wait()
            await asyncio.sleep(0)  # let the sends of this turn of the loop come together
        finally:
            alarm.cancel()

    async def _write(self) -> None:
        next_ones, self._waiting = self._waiting[:BATCH_SIZE], self._waiting[BATCH_SIZE:]
        self._writing = [(sending, taken) for sending, taken in next_ones if not taken.done()]
        if not self._writing:
            return
        try:
            results = await self.world.take([sending for sending, _ in self._writing])
        except EngineError as error:
            for _, taken in self._writing:
                _fail(taken, EngineError(str(error), retryable=error.retryable))
        else:
            for (sending, taken), result in zip(self._writing, results, strict=True):
                self._settle(sending, taken, result)
        self._writing = []

    def _settle(
        self, sending: Sending, taken: asyncio.Future[Taken], result: Taken | None
    ) -> None:
        if result is None:
            _fail(taken, EngineError("This stream lost its device.", retryable=True))
            return
        member = self._members.get(sending.stream)
        if member is not None:
            member.taken(sending.message.message_id, result)
        if not taken.done():
            taken.set_result(result)

    async def _look(self) -> None:
        if self._saving is None or self._saving.done():
            # Beside the sends: the sink may be behind, and that is no reason not to send.
            self._saving = self._loop.create_task(self._try(self._save), name="sandbox save")
        held = {number: member.device.session_id for number, member in self._members.items()}
        if not held:
            return
        for number, replaced in (await self.world.lost(held)).items():
            member = self._members.pop(number, None)
            if member is not None:
                member.lost(replaced)

    async def _save_soon(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await self._save()

    async def _save(self) -> None:
        """Move the cursors over what was emitted until now, once the sinks keep it."""
        sinks = {member.device.session_id: member.kept for member in self._members.values()}
        moved = [known for key, known in self._cursors.items() if key in sinks]
        self._cursors = {known.session_id: known for known in moved}
        if not moved:
            return
        await asyncio.gather(*(sinks[cursors.session_id]() for cursors in moved))
        await self.world.move(moved)
        for cursors in moved:
            if self._cursors.get(cursors.session_id) is cursors:
                del self._cursors[cursors.session_id]

    async def _try(self, duty: Callable[[], Awaitable[None]]) -> None:
        try:
            await duty()
        except EngineError:
            logger.warning("The sandbox failed at a duty and will try again.", exc_info=True)


def _fail(taken: asyncio.Future[Taken], error: EngineError) -> None:
    if not taken.done():
        taken.set_exception(error)


def _closed() -> EngineError:
    return EngineError("The connection is closed.", retryable=True)
