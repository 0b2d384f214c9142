"""What the tests of the outbox share."""

from collections import defaultdict
from collections.abc import Callable

import pytest

from orsta.core.outbox import registry
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import Handler


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], Handler]:
    """Silence every subscriber of the product; subscribes its argument to `test.step`."""
    monkeypatch.setattr(registry, "_handlers", defaultdict(list))
    monkeypatch.setattr(registry, "_batch_handlers", [])
    return registry.subscribe("test.step")


class Recorder:
    """A handler that remembers what it got, and fails where it is told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.failing: set[int] = set()
        self.error: Exception = RuntimeError("boom")

    def __call__(self, event: OutboxEvent) -> None:
        if event.payload["n"] in self.failing:
            raise self.error
        self.seen.append((event.shard, event.payload["n"]))

    @property
    def numbers(self) -> list[int]:
        """Return the numbers alone, in the order in which they came."""
        return [number for _, number in self.seen]


@pytest.fixture
def recorder(listen: Callable[[Handler], Handler]) -> Recorder:
    """Return a recorder that listens to `test.step`, alone."""
    handler = Recorder()
    listen(handler)
    return handler
