"""Named threads for what blocks: the event loop itself never talks to the database."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Threads:
    """One thread per name, each with a database connection of its own.

    So a slow batch never costs a lease: the heartbeat has a thread for itself.
    """

    def __init__(self, *names: str) -> None:
        self._pools = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in names}

    async def run(self, name: str, call: Callable[[], T]) -> T:
        """Run a call in the named thread, after those before it."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[name], call)

    def after_all(self, name: str, call: Callable[[], object]) -> None:
        """Have a call run when the thread has nothing else to do."""
        self._pools[name].submit(call)

    async def drop_connection(self, name: str) -> None:
        """Have the thread connect to the database anew."""
        await self.run(name, connections.close_all)

    def close(self) -> None:
        """Give the threads and their database connections back."""
        for pool in self._pools.values():
            pool.submit(connections.close_all)
            pool.shutdown()
