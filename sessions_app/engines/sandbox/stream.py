"""What a device of the sandbox lives through while a connection is open."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sessions_app.engines import events
from sessions_app.engines.base import EngineError, Options
from sessions_app.engines.sandbox.agenda import Agenda
from sessions_app.engines.sandbox.hub import Member
from sessions_app.engines.sandbox.pairing import Pairing
from sessions_app.engines.sandbox.phases import Phase
from sessions_app.engines.sandbox.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessions_app.engines.base import EventSink
    from sessions_app.engines.sandbox.hub import Hub
    from sessions_app.engines.sandbox.world import Device, Taken

# Waits at speed 1.
CONNECT_SECONDS = 0.2


class Stream:
    """One task emits everything, in order; the agenda says what and when."""

    def __init__(
        self,
        hub: Hub,
        device: Device,
        sink: EventSink,
        *,
        epoch: int,
        speed: float,
        passkey: bool = False,
    ) -> None:
        self.device = device
        self.options = Options()
        self.phase = Phase.CONNECTING
        self.silent = False  # up, but nothing answers; nobody is told
        self._hub = hub
        self.world = hub.world
        self._sink = sink
        self.agenda = Agenda(speed)
        self.pairing = Pairing(self, epoch=epoch, speed=speed, passkey=passkey)
        self._receipts = Receipts(speed)
        self._receipts_at = math.inf  # when the agenda looks at them next
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to emit: codes, or that the device is connected, banned or replaced."""
        now = asyncio.get_running_loop().time()
        self._receipts.resume(await self.world.pending(self.device.session_id), now)
        if self.device.stream:
            member = Member(
                self.device, taken=self._took, lost=self._lose, kept=self._sink.kept
            )
            self._hub.join(member)
        if not self.device.stream:
            self.finish(events.Replaced())
        elif not self.device.jid:
            self.pairing.offer_codes()
        elif self.device.banned_until is not None:
            self.ban(self.device.ban_code, self.device.banned_until)
        else:
            self.agenda.after(CONNECT_SECONDS, self.come_up)
        self._task = asyncio.create_task(self._live(), name="sandbox stream")

    async def stop(self) -> None:
        """Emit nothing more. Safe to repeat, and from within the sink."""
        self.phase = Phase.ENDED
        self.agenda.end()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait([self._task])

    def is_connected(self) -> bool:
        """Whether the stream is up."""
        return self.phase is Phase.CONNECTED

    def require_connected(self) -> None:
        """:raises EngineError: the stream is not up."""
        if not self.is_connected():
            raise EngineError(f"The device is not connected: {self.phase}.", retryable=True)

    async def show(self, happened: Sequence[events.EngineEvent]) -> None:
        """Emit what the other side did; wait until the sink has it.

        :raises EngineError: the connection ended meanwhile.
        """
        await self.agenda.perform(partial(self._emit_all, happened))

    async def show_typing(self, chat: str) -> None:
        """Let the chat see that something is being written, if the session does that."""
        if self.options.typing:
            await self.show([events.TypingShown(chat)])

    async def receive(self, messages: Sequence[events.MessageReceived]) -> bool:
        """Emit messages, or keep them until the device is connected; return whether it is."""
        if self.is_connected():
            await self.agenda.perform(partial(self._deliver, messages))
            return True
        await self.world.queue(self.device.session_id, messages)
        if self.is_connected():  # it came up while they were written
            self.agenda.now(self._empty_backlog)
        return False

    def break_off(self, event: events.EngineEvent, seconds: float) -> None:
        """Be out of reach, as the event says, and back after a while."""
        self.phase = Phase.CONNECTING
        self._receipts_at = math.inf
        self.agenda.drop_plans()
        self.agenda.now(partial(self.emit, event))
        self.agenda.after(seconds, self.come_up)

    def ban(self, code: int, until: datetime) -> None:
        """End, because WhatsApp refuses the account for a while."""
        self.finish(events.TemporarilyBanned(code=code, expires_at=until))

    def finish(self, event: events.EngineEvent) -> None:
        """End with a last event."""
        self.phase = Phase.ENDED
        self.agenda.drop_plans()
        self.agenda.now(partial(self.emit, event))
        self.agenda.now(self._end)

    async def _live(self) -> None:
        try:
            await self.agenda.run()
        finally:
            self.phase = Phase.ENDED

    async def _end(self) -> None:
        self.agenda.end()

    async def emit(self, event: events.EngineEvent) -> None:
        """Hand an event to the sink."""
        if not self.agenda.over:  # the sink itself may stop the stream
            await self._sink(event)

    async def _emit_all(self, happened: Sequence[events.EngineEvent]) -> None:
        for event in happened:
            await self.emit(event)

    async def _deliver(self, messages: Sequence[events.MessageReceived]) -> None:
        await self._emit_all(messages)
        if not self.options.auto_read:
            return
        chats: defaultdict[str, list[str]] = defaultdict(list)
        for message in messages:
            chats[message.chat].append(message.wa_id)
        for chat, wa_ids in chats.items():
            await self.emit(events.MessagesRead(chat, tuple(wa_ids), datetime.now(UTC)))

    async def come_up(self) -> None:
        """Be connected from now on."""
        self.phase = Phase.CONNECTED
        await self.emit(events.Connected(self.device.jid))
        self.agenda.now(self._empty_backlog)
        self._plan_receipts()

    async def _empty_backlog(self) -> None:
        while self.is_connected():
            upto, messages = await self.world.backlog(self.device.session_id)
            if not messages:
                return
            await self._deliver(messages)
            await self._sink.kept()
            await self.world.drop_backlog(self.device.session_id, upto)

    def _took(self, message_id: str, taken: Taken) -> None:
        self._receipts.expect(message_id, taken.seq, asyncio.get_running_loop().time())
        self._plan_receipts()

    def _plan_receipts(self) -> None:
        due = self._receipts.next_due()
        if self.is_connected() and due < self._receipts_at:
            self._receipts_at = due
            self.agenda.at(due, partial(self._emit_receipts, due))

    async def _emit_receipts(self, planned_at: float) -> None:
        if planned_at != self._receipts_at:
            return  # an earlier look took this one's place
        self._receipts_at = math.inf
        for due in self._receipts.pop_due(asyncio.get_running_loop().time()):
            await self.emit(events.ReceiptReceived(due.wa_ids, due.kind, datetime.now(UTC)))
            self._hub.emitted(self.device.session_id, due.kind, due.upto)
        self._plan_receipts()

    def _lose(self, replaced: bool) -> None:
        if self.phase is Phase.ENDED:
            return
        if replaced:
            self.finish(events.Replaced())
        else:
            self.finish(events.LoggedOut("The session was purged."))
