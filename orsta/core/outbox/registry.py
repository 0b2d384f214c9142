"""Who listens to which event."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from orsta.core.outbox.models import OutboxEvent

Handler = Callable[[OutboxEvent], None]
BatchHandler = Callable[[Sequence[OutboxEvent]], None]

_handlers: defaultdict[str, list[Handler]] = defaultdict(list)
_batch_handlers: list[BatchHandler] = []


class TransportDown(Exception):
    """A handler could not hand over because the broker is away.

    The relay stops and tries again later without counting an attempt: an outage of Redis
    delays events, it never parks them.
    """


def subscribe(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for events by name.

    It must be cheap (enqueue, no work) and idempotent: delivery is at least once.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            if handler not in _handlers[name]:
                _handlers[name].append(handler)
        return handler

    return register


def subscribe_batches(handler: BatchHandler) -> BatchHandler:
    """Register a handler that gets every event, a batch at a time, in order of dispatch.

    For fan-out that is far cheaper by the hundred. The rules of `subscribe` hold.
    """
    if handler not in _batch_handlers:
        _batch_handlers.append(handler)
    return handler


def handlers_of(name: str) -> list[Handler]:
    """Return the handlers of one event name."""
    return _handlers[name]


def batch_handlers() -> list[BatchHandler]:
    """Return the handlers that get every batch."""
    return _batch_handlers
