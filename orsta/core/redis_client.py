"""The one Redis client for calls that a request waits for, and the circuit that guards it."""

import functools

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from orsta.core.circuits import Circuit

_SILENCE_SECONDS = 2.0

circuit = Circuit(failures=(redis.RedisError,), silence_seconds=_SILENCE_SECONDS)


@functools.cache
def client() -> redis.Redis:
    """Return this process's client; it waits a second at most for what should take none.

    redis-py's own default is three repeats with growing waits: a server that hangs would
    hold every request up for ten seconds and more.
    """
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=1,
        socket_timeout=1,
        health_check_interval=30,
        # Once, and at once: the connection may be from before a restart.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
