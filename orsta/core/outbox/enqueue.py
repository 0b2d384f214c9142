"""Hand work to Celery from a subscriber."""

from typing import TYPE_CHECKING, Any

from kombu.exceptions import OperationalError

from orsta.core.outbox.registry import TransportDown

if TYPE_CHECKING:
    from celery import Task


def enqueue(task: "Task[Any, Any]", **kwargs: Any) -> None:
    """Send `task` to the broker.

    :raises TransportDown: the broker is away; the relay keeps the event and tries again.
    """
    try:
        task.delay(**kwargs)
    except OperationalError as error:
        raise TransportDown(f"The broker is away: {error}") from error
