"""The simulated WhatsApp. It lives in PostgreSQL, in a schema of its own.

It outlives any runner, and all runners share it. Losing its last moments in a crash of the
database is acceptable.
"""

from __future__ import annotations

import asyncio
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from sessions_app.engines.base import EngineError
from sessions_app.engines.events import MessageReceived
from sessions_app.engines.sandbox import people, queries
from sessions_app.engines.sandbox.provisioning import trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sessions_app.engines.base import SessionRef
    from sessions_app.engines.outgoing import OutgoingText
    from sessions_app.engines.sandbox.outgoing import Detail

BACKLOG_PAGE = 500  # inbound messages read at once after a time offline

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A session's device at the moment when its newest stream was opened."""

    session_id: str
    stream: int  # the stream's number; 0: not opened, because a newer epoch has the device
    phone: str  # what it gets when it is paired; "" before its first pairing
    jid: str  # "" when it is not linked
    push_name: str
    contacts_count: int
    attempt: int  # to pair it, from 1
    ban_code: int
    banned_until: datetime | None  # None when it is not banned now


@dataclass(frozen=True, slots=True)
class Pending:
    """A message of which receipts are still to be emitted."""

    message_id: str
    seq: int
    delivered: bool  # that receipt was emitted already
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What the world holds of one send."""

    seq: int  # rising within a session
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for the next send."""

    seq: int
    kind: str


@dataclass(frozen=True, slots=True)
class Sending:
    """A text on its way into the world, and the stream it comes from."""

    session_id: str
    stream: int
    message: OutgoingText

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one message, however often it is sent."""
        return self.session_id, self.message.message_id


@dataclass(frozen=True, slots=True)
class Cursors:
    """How far a session's receipts were emitted, as the `seq` of the last message."""

    session_id: str
    delivered_upto: int = 0
    read_upto: int = 0


class World:
    """The world as one event loop sees it: one database connection, opened when needed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection[_Row] | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        """Let go of the database for good."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def open_stream(self, ref: SessionRef) -> Device:
        """Make this the device's newest stream, unless a newer epoch has it.

        :raises EngineError: nobody provisioned this session.
        """
        rows = await self._rows(
            queries.OPEN, {"session_id": ref.session_id, "epoch": ref.epoch}
        )
        if rows:
            return Device(ref.session_id, *rows[0])
        await self._require_known(ref.session_id)
        return Device(ref.session_id, 0, "", "", "", 0, 0, 0, None)

    async def pending(self, session_id: str) -> list[Pending]:
        """Messages that lack receipts, in the order in which they were taken."""
        return [Pending(*row) for row in await self._rows(queries.PENDING, (session_id,))]

    async def take(self, batch: Sequence[Sending]) -> list[Taken | None]:
        """Take texts, each message id of a session once; None for a stream that was lost."""
        rows = await self._rows(
            queries.TAKE,
            (
                [one.session_id for one in batch],
                [one.stream for one in batch],
                [one.message.message_id for one in batch],
                [one.message.to for one in batch],
                [one.message.text for one in batch],
            ),
        )
        live = {number for _, message_id, number, _ in rows if message_id is None}
        taken = {row[:2]: Taken(*row[2:]) for row in rows if row[1] is not None}
        missing = [one for one in batch if one.stream in live and one.key not in taken]
        taken |= await self._taken_before(missing)
        return [taken.get(one.key) if one.stream in live else None for one in batch]

    async def _taken_before(self, batch: Sequence[Sending]) -> dict[tuple[str, str], Taken]:
        if not batch:
            return {}
        columns = ([one.session_id for one in batch], [one.message.message_id for one in batch])
        rows = await self._rows(queries.TAKEN_BEFORE, columns)
        return {
            (session_id, message_id): Taken(*rest) for session_id, message_id, *rest in rows
        }

    async def describe(self, session_id: str, message_id: str, detail: Detail) -> None:
        """Remember what a message is, if it is no plain text. Safe to repeat."""
        await self._rows(queries.DESCRIBE, (session_id, message_id, *astuple(detail)))

    async def move(self, cursors: Sequence[Cursors]) -> None:
        """Remember which receipts were emitted."""
        await self._rows(
            queries.MOVE,
            (
                [cursor.session_id for cursor in cursors],
                [cursor.delivered_upto for cursor in cursors],
                [cursor.read_upto for cursor in cursors],
            ),
        )

    async def lost(self, streams: Mapping[int, str]) -> dict[int, bool]:
        """Which of these streams (number: session) lost their device, to another one or not."""
        held = (list(streams.values()), list(streams))
        return dict(await self._rows(queries.LOST, held))

    async def forget(self) -> None:
        """Drop some of the messages that are too old to be repeated."""
        await self._rows(queries.FORGET)

    async def claim_phone(self, session_id: str) -> str:
        """Give the device a number that no other device got.

        :raises EngineError: the session was purged.
        """
        attempt = 0
        while True:
            digits = people.phone(session_id, attempt)
            wanted = {"session_id": session_id, "digits": digits}
            if await self._rows(queries.CLAIM_PHONE, wanted):
                return digits
            await self._require_known(session_id)
            attempt += 1

    async def pair(
        self, device: Device, *, jid: str, push_name: str, contacts_count: int | None
    ) -> int:
        """Link the device; return how many contacts it has.

        :raises EngineError: another stream has the device by now.
        """
        values = (jid, push_name, contacts_count, device.session_id, device.stream)
        rows = await self._rows(queries.PAIR, values)
        if not rows:
            raise _taken_over()
        return int(rows[0][0])

    async def unlink(self, device: Device) -> None:
        """Remove the device from the phone. Safe to repeat.

        :raises EngineError: another stream has the device by now.
        """
        if not await self._rows(queries.UNLINK, (device.session_id, device.stream)):
            raise _taken_over()

    async def ban(self, device: Device, *, code: int, seconds: int) -> datetime:
        """Refuse the device for a while; return until when."""
        values = (code, seconds, device.session_id, device.stream)
        rows = await self._rows(queries.BAN, values)
        if not rows:
            raise _taken_over()
        banned_until: datetime = rows[0][0]
        return banned_until

    async def queue(self, session_id: str, messages: Sequence[MessageReceived]) -> None:
        """Keep messages for a device that is offline, each of them once."""
        columns = zip(
            *((m.wa_id, m.sender, m.text, m.sent_at, m.push_name, m.phone) for m in messages),
            strict=True,
        )
        await self._rows(queries.QUEUE, (session_id, *map(list, columns)))

    async def backlog(self, session_id: str) -> tuple[int, list[MessageReceived]]:
        """The oldest messages that wait for the device, and the `seq` of the last one."""
        rows = await self._rows(queries.BACKLOG, (session_id, BACKLOG_PAGE))
        return (rows[-1][0] if rows else 0), [MessageReceived(*row[1:]) for row in rows]

    async def drop_backlog(self, session_id: str, upto: int) -> None:
        """Forget waiting messages up to a `seq`."""
        await self._rows(queries.DROP_BACKLOG, (session_id, upto))

    async def arm(self, session_id: str, kind: str) -> Fault:
        """Have the next send meet a fault."""
        return Fault(*(await self._rows(queries.ARM, (session_id, kind)))[0])

    async def armed(self, session_id: str) -> list[Fault]:
        """The faults that wait, in the order in which sends meet them."""
        return [Fault(*row) for row in await self._rows(queries.ARMED, (session_id,))]

    async def disarm(self, session_id: str, fault: Fault) -> None:
        """A send met this fault."""
        await self._rows(queries.DISARM, (session_id, fault.seq))

    async def _require_known(self, session_id: str) -> None:
        if not (await self._rows(queries.KNOWN, (session_id,)))[0][0]:
            raise EngineError("The sandbox does not know this session; provision it first.")

    async def _rows(
        self, query: str, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[_Row]:
        try:
            connection = await self._connected()
            cursor = await connection.execute(query, values)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise trouble(error) from error

    async def _connected(self) -> psycopg.AsyncConnection[_Row]:
        async with self._opening:
            if self._closed:
                raise EngineError("The connection is closed.", retryable=True)
            if self._connection is None or self._connection.closed:
                connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
                try:
                    await connection.execute(queries.PREPARE)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection


def _taken_over() -> EngineError:
    return EngineError("Another client took this device's place.")
