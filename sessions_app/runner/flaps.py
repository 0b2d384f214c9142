"""Keep short interruptions to ourselves.

WhatsApp restarts streams (515), sockets drop, and most are back in a second. Until
`Tuning.flap` has passed the session goes on showing what it was, with its sends held back at
once: nothing fails meanwhile, a message that is accepted only waits. What lasts longer is
told. A device that is said to be logged out right after it was linked, or right after a
restart, is asked once more before that is believed.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from sessions_app.engines import events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.events import EngineEvent

RESTART_CODE = "515"


class Flaps:
    """The interruption of one session that nobody was told of yet, and what to doubt."""

    def __init__(self, seconds: float, tell: Callable[[EngineEvent], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._tell = tell
        self._untold: EngineEvent | None = None
        self._timer: asyncio.Task[None] | None = None
        self._shaky_until = 0.0
        self._doubted: EngineEvent | None = None

    async def hold_back(self, event: EngineEvent) -> None:
        """Tell this later, unless the stream is back by then."""
        if _is_restart(event):
            self.shake()
        if self._seconds <= 0:
            await self._tell(event)
            return
        self._untold = event
        if self._timer is None:
            self._timer = asyncio.create_task(self._tell_later())

    def forget(self) -> None:
        """The stream is back, or something else is told that says more."""
        self._untold = None
        timer, self._timer = self._timer, None
        if timer is not None and timer is not asyncio.current_task():
            timer.cancel()

    def shake(self) -> None:
        """A device was linked or its stream restarted: a logout right now may be none."""
        self._shaky_until = time.monotonic() + self._seconds

    def doubts(self, event: EngineEvent) -> bool:
        """Say whether a logout needs a second word; the second one is believed."""
        if self._doubted is not None or time.monotonic() >= self._shaky_until:
            return False
        self._doubted = event
        return True

    def settle(self) -> EngineEvent | None:
        """Return the logout that was doubted, if any, and doubt it no more."""
        doubted, self._doubted = self._doubted, None
        return doubted

    async def _tell_later(self) -> None:
        await asyncio.sleep(self._seconds)
        event, self._untold, self._timer = self._untold, None, None
        if event is not None:
            await self._tell(event)


def _is_restart(event: EngineEvent) -> bool:
    match event:
        case events.ConnectFailed(code=code):
            return code == RESTART_CODE
        case events.Disconnected(reason=reason):
            return RESTART_CODE in reason
        case _:
            return False
