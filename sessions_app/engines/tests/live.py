"""What the engine tests share: running a test on a loop, and listening to a connection."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os

import psycopg

from sessions_app.engines import events

TIMEOUT_SECONDS = 60  # generous: it only ends a test that would hang


def live(test):
    """Run an async test on a loop of its own, which it must leave without tasks."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        async def main():
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await test(*args, **kwargs)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())

    return run


class Recorder:
    """A sink that keeps what it gets, and lets a test wait for it."""

    def __init__(self):
        self.events = []
        self.keeping = asyncio.Event()
        self.keeping.set()
        self._changed = asyncio.Condition()

    async def __call__(self, event, /):
        async with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    async def kept(self):
        await self.keeping.wait()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_until(self, satisfied):
        async with self._changed:
            await self._changed.wait_for(satisfied)

    async def wait_for(self, kind, count=1):
        """Wait until there were `count` events of a kind; return the last of them."""
        await self.wait_until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def receipted(self, kind):
        """The message ids that reached a stage."""
        return {wa_id for event in self.events for wa_id in receipts(event, kind)}

    async def wait_for_receipts(self, kind, wa_ids):
        await self.wait_until(lambda: self.receipted(kind) >= set(wa_ids))


class Listener:
    """A sink that does what the test says with an event, and keeps everything."""

    def __init__(self, hear):
        self._hear = hear

    async def __call__(self, event, /):
        await self._hear(event)

    async def kept(self):
        pass


def receipts(event, kind):
    return event.wa_ids if getattr(event, "kind", None) is kind else ()


@contextlib.asynccontextmanager
async def connected(engine, ref):
    """An open connection and what it emits."""
    recorder = Recorder()
    connection = await engine.connect(ref, recorder)
    try:
        yield connection, recorder
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def paired(engine, ref, **scan):
    """An open connection of a sandbox device that was just scanned, and what it emits."""
    async with connected(engine, ref) as (connection, recorder):
        await connection.act("scan", scan)
        await recorder.wait_for(events.Connected)
        yield connection, recorder


def world(query, *values):
    """Look into the simulated WhatsApp, or change it, behind the engine's back."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []
