"""Is a stream that stands really alive? What WhatsApp says last, and when to ask."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessions_app.runner.tuning import Tuning

_HOUR = 3_600.0


class Watch:
    """The clocks of one session.

    A stream that stands but says nothing for `Tuning.silence` is asked. One that is degraded,
    or broken and not back, for `Tuning.unwell` is opened anew.
    """

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._restarts: deque[float] = deque()
        self._stands = False
        self._unwell_at: float | None = None
        self.degraded = False
        self.heard()

    def heard(self) -> None:
        """Note a sign of life: an event, or an answered call."""
        # Jitter spreads the probes of sessions that came up together.
        patience = self._tuning.silence * random.uniform(1.0, 1.25)  # noqa: S311
        self._ask_at = time.monotonic() + patience

    def came_up(self) -> None:
        """Note that the stream stands and answers."""
        self._stands, self.degraded, self._unwell_at = True, False, None

    def went_down(self, *, degraded: bool = False) -> None:
        """Note that it broke, or stands without an answer."""
        self._stands, self.degraded = False, degraded
        if self._unwell_at is None:
            self._unwell_at = time.monotonic()

    def closed(self) -> None:
        """Note that there is no stream to watch."""
        self._stands, self.degraded, self._unwell_at = False, False, None

    def due_in(self) -> float | None:
        """Return the seconds until somebody should look; None: nothing can be due."""
        if self._stands:
            return max(0.0, self._ask_at - time.monotonic())
        if self._unwell_at is not None:
            return max(0.0, self._unwell_at + self._tuning.unwell - time.monotonic())
        return None

    @property
    def stands(self) -> bool:
        """Whether the stream stands, as far as we know."""
        return self._stands

    def may_restart(self) -> bool:
        """Use up one restart of this hour's budget; False when it is used up."""
        now = time.monotonic()
        while self._restarts and self._restarts[0] <= now - _HOUR:
            self._restarts.popleft()
        if len(self._restarts) >= self._tuning.restarts_per_hour:
            return False
        self._restarts.append(now)
        return True
