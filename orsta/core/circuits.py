"""Spare callers a dependency that does not answer. Plain: no Django."""

import threading
import time
from types import TracebackType


class CircuitOpen(Exception):
    """It did not answer a moment ago, and somebody else is asking by now or will soon."""


class Circuit:
    """Counts failures in a row; at `threshold` it opens, and callers are turned away at once.

    While it is open one caller at a time is let through, every `silence_seconds`: a success
    closes it. Without that, everybody whose wait ends together would wait for the next
    time-out together. Safe between threads, and to hold across an `await`.

    :param failures: exceptions that mean that the dependency is at fault.
    """

    def __init__(
        self,
        *,
        failures: tuple[type[BaseException], ...],
        silence_seconds: float,
        threshold: int = 1,
    ) -> None:
        self._failures = failures
        self._silence = silence_seconds
        self._threshold = threshold
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._asks_again_at = 0.0  # on the monotonic clock

    @property
    def is_open(self) -> bool:
        """Say whether callers are turned away."""
        return self._in_a_row >= self._threshold

    @property
    def asks_again_in(self) -> float:
        """Return the seconds until somebody is let through; 0 when anybody is."""
        left = self._asks_again_at - time.monotonic()
        return max(0.0, left) if self.is_open else 0.0

    def close(self) -> None:
        """Take the dependency to be there."""
        with self._lock:
            self._in_a_row = 0

    def __enter__(self) -> None:
        """Let the caller through.

        :raises CircuitOpen: it is not the caller's turn to ask again.
        """
        with self._lock:
            if not self.is_open:
                return
            if time.monotonic() < self._asks_again_at:
                raise CircuitOpen
            self._be_silent()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Count what became of the call; other exceptions are answers, too."""
        with self._lock:
            if isinstance(error, self._failures):
                self._in_a_row += 1
                self._be_silent()
            elif error is None or isinstance(error, Exception):
                self._in_a_row = 0

    def _be_silent(self) -> None:
        self._asks_again_at = time.monotonic() + self._silence
