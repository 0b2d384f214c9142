"""Wake a waiting process early. Losing a ring costs a poll interval, nothing else.

Redis carries the rings; whatever they announce is already committed in PostgreSQL.
"""

import logging
import time
from dataclasses import dataclass

import redis
from django.db import transaction

from orsta.core import redis_client
from orsta.core.circuits import CircuitOpen

logger = logging.getLogger(__name__)


def _channel(name: str) -> str:
    """Return the channel of a bell: Redis has no databases there, and several may share one."""
    number = redis_client.client().get_connection_kwargs().get("db", 0)
    return f"orsta:bell:{number}:{name}"


def ring_on_commit(name: str) -> None:
    """Ring once the current transaction has committed; repeated calls in it ring once."""
    # Django keeps (savepoint ids, callback, robust) per callback.
    callbacks = (entry[1] for entry in transaction.get_connection().run_on_commit)
    if not any(isinstance(callback, _Ring) and callback.name == name for callback in callbacks):
        transaction.on_commit(_Ring(name), robust=True)


@dataclass(frozen=True, slots=True)
class _Ring:
    name: str

    def __call__(self) -> None:
        ring(self.name)


def ring(name: str) -> None:
    """Wake whoever waits for `name`; a Redis that is away is only logged, and left alone."""
    try:
        with redis_client.circuit:
            redis_client.client().publish(_channel(name), b"1")
    except CircuitOpen:
        return
    except redis.RedisError as error:
        logger.warning("Doorbell unreachable", extra={"bell": name, "reason": str(error)})


class Bell:
    """The waiting side: `wait` returns when somebody rang or the time is up."""

    def __init__(self, name: str) -> None:
        self._name = _channel(name)
        self._subscription: redis.client.PubSub | None = None

    def wait(self, *, timeout: float) -> None:
        """Wait for a ring for at most `timeout` seconds; several rings count as one."""
        deadline = time.monotonic() + timeout
        try:
            self._listen(deadline)
        except redis.RedisError:
            self.close()
            time.sleep(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Give the connection back; a later `wait` opens a new one."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _listen(self, deadline: float) -> None:
        if self._subscription is None:
            client = redis_client.client()
            self._subscription = client.pubsub(  # type: ignore[no-untyped-call]
                ignore_subscribe_messages=True
            )
            self._subscription.subscribe(self._name)
        while (left := deadline - time.monotonic()) > 0:
            if self._subscription.get_message(timeout=left) is not None:
                while self._subscription.get_message() is not None:
                    continue
                return
