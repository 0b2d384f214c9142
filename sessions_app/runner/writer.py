"""The way from the event loop to the database: everything a runner reports, in batches.

One writer per runner, so reports stay in order. The queue is bounded: when the database is
slow or away the engines wait, and nothing is lost while the process lives.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from sessions_app.ingest import dispatch

if TYPE_CHECKING:
    from sessions_app.ingest.reports import Report

logger = logging.getLogger(__name__)
BATCH = 500
QUEUE = 5_000
_OUTAGE_SECONDS = 1.0


class Writer:
    """Takes reports and writes them; `flush` waits until what was put before is committed.

    What was said under a lease that somebody else has by now is not written: `lost` has those
    leases, as (session id, epoch). They are few.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.lost: set[tuple[int, int]] = set()
        self._queue: asyncio.Queue[Report | asyncio.Future[None]] = asyncio.Queue(QUEUE)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def put(self, report: Report) -> None:
        """Hand a report over; waits while the queue is full."""
        await self._queue.put(report)

    async def flush(self) -> None:
        """Wait until everything put so far is in the database."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(written)
        await written

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            entries = [await self._queue.get()]
            while len(entries) < BATCH and not self._queue.empty():
                entries.append(self._queue.get_nowait())
            reports = [entry for entry in entries if not isinstance(entry, asyncio.Future)]
            if reports:
                await self._write(reports)
            for entry in entries:
                if isinstance(entry, asyncio.Future) and not entry.done():
                    entry.set_result(None)

    def close(self) -> None:
        """Give the thread and its database connection back."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _write(self, reports: list[Report]) -> None:
        """Write a batch, again and again while the database is away."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                recorded = await loop.run_in_executor(self._thread, self._record, reports)
            except DatabaseFailure as error:
                logger.warning("Database unreachable", extra={"reason": str(error)})
                await loop.run_in_executor(self._thread, connections.close_all)
                await asyncio.sleep(_OUTAGE_SECONDS)
            else:
                self.lost |= recorded.lost
                return

    def _record(self, reports: list[Report]) -> dispatch.Recorded:
        return dispatch.record(owner=self._owner, batch=reports, now=timezone.now())
