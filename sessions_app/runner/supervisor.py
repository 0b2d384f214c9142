"""A runner: takes sessions by lease, keeps their connections, feeds them work.

One event loop drives every session. What has to survive is in rows: a runner that is killed
forgets nothing that another can't read.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING

from django.db import Error as DatabaseFailure
from django.utils import timezone

from orsta.core import doorbell
from sessions_app.ingest import expiry
from sessions_app.runner import feeding
from sessions_app.runner.holdings import Holdings
from sessions_app.runner.pacing import Pacer
from sessions_app.runner.threads import Threads
from sessions_app.runner.writer import Writer
from sessions_app.services import commands, leases

if TYPE_CHECKING:
    from sessions_app.runner.tuning import Tuning

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0  # how late a command can be when its ring was lost
LOOK_SECONDS = 0.25  # between looks at leases and wishes, however often the bell rings
_OUTAGE_SECONDS = 1.0
_GUARD_SECONDS = 0.5


class Supervisor:
    """Runs until `stop`; then drains and gives its sessions back."""

    def __init__(self, *, node: str, capacity: int, version: str, tuning: Tuning) -> None:
        self._node = node
        self._capacity = capacity
        self._version = version
        self._writer = Writer(node)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._threads = Threads("rows", "heartbeat", "bell")
        self.holdings = Holdings(
            node=node,
            capacity=capacity,
            writer=self._writer,
            threads=self._threads,
            pacer=Pacer(tuning.connects_per_second),
            tuning=tuning,
            wake=self._wake.set,
        )
        self._unwanted = False  # staff asked it to drain and end
        self._renewed_at = time.monotonic()
        self._looked_at = 0.0
        self._looked_for_late_at = 0.0

    def stop(self) -> None:
        """Ask for a drain; safe to call from a signal handler of the loop."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Own sessions until `stop` is called, then drain.

        What ends one of the loops ends the process: without them it would hold leases and do
        nothing. Whoever watches over it starts it again.
        """
        loops = [self._writer.run(), self._heartbeat(), self._guard(), self._listen()]
        tasks = [asyncio.create_task(loop) for loop in loops]
        for task in tasks:
            task.add_done_callback(lambda _: self._wake.set())
        logger.info("Runner started", extra={"node": self._node})
        while not self._stopping.is_set():
            for task in tasks:
                if task.done():
                    task.result()
            await self._tick()
            await self._wake.wait()
            self._wake.clear()
        logger.info("Runner drains", extra={"node": self._node})
        await self.holdings.hand_over()
        await self._threads.run("rows", lambda: leases.leave(node=self._node))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._writer.close()
        self._threads.close()
        logger.info("Runner stopped", extra={"node": self._node})

    async def _listen(self) -> None:
        """Wake the main loop on every ring, and at least every `POLL_SECONDS`."""
        bell = doorbell.Bell(commands.BELL)
        try:
            while True:
                await self._threads.run("bell", lambda: bell.wait(timeout=POLL_SECONDS))
                self._wake.set()
        finally:
            self._threads.after_all("bell", bell.close)

    async def _heartbeat(self) -> None:
        """Renew the leases."""
        while True:
            # What is claimed while the renewal runs is not in its answer, and is not lost.
            owned = self.holdings.epochs()
            began = time.monotonic()  # the term counts from when the database did it
            try:
                held = await self._threads.run("heartbeat", partial(self._beat, owned))
            except DatabaseFailure as error:
                logger.warning("Heartbeat failed", extra={"reason": str(error)})
                await self._threads.drop_connection("heartbeat")
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            self._renewed_at = began
            self.holdings.let_go(owned, held)
            if self._unwanted:
                self.stop()
            await asyncio.sleep(leases.RENEW_EVERY.total_seconds())

    async def _guard(self) -> None:
        """Let go of every connection when the leases were not renewed for too long.

        Not the heartbeat's own business: a database that neither answers nor breaks the
        connection holds that up.
        """
        while True:
            await asyncio.sleep(_GUARD_SECONDS)
            if time.monotonic() - self._renewed_at >= leases.SELF_STOP_AFTER.total_seconds():
                self.holdings.let_go_of_all()

    def _beat(self, owned: dict[int, int]) -> dict[int, int]:
        self._unwanted = leases.beat(
            node=self._node,
            version=self._version,
            capacity=self._capacity,
            sessions=len(owned),
            draining=self._stopping.is_set(),
            load=os.getloadavg()[0] / (os.cpu_count() or 1),
            now=timezone.now(),
        )
        return leases.renew(owner=self._node, session_ids=owned)

    async def _tick(self) -> None:
        """Do what the rows ask for; an outage of the database only postpones it."""
        try:
            if time.monotonic() - self._looked_at >= LOOK_SECONDS:
                self._looked_at = time.monotonic()
                await self.holdings.claim()
                await self.holdings.reconcile()
            if time.monotonic() - self._looked_for_late_at >= POLL_SECONDS:
                self._looked_for_late_at = time.monotonic()
                await self._end_what_is_late()
            await feeding.feed(self.holdings.active(), self._threads)
        except DatabaseFailure as error:
            logger.warning("Database unreachable", extra={"reason": str(error)})
            await self._threads.drop_connection("rows")
            await asyncio.sleep(_OUTAGE_SECONDS)

    async def _end_what_is_late(self) -> None:
        now = timezone.now()  # before the next line: see `expire_due`
        in_flight = {
            command_id
            for worker in self.holdings.workers.values()
            for command_id in worker.lanes.in_flight
        }
        await self._threads.run(
            "rows",
            lambda: expiry.expire_due(owner=self._node, in_flight=in_flight, now=now),
        )
