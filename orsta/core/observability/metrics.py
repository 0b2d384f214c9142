"""The metrics this process counts itself; apps register collectors for what rows tell."""

import logging
from collections.abc import Callable, Iterable

from django.db import Error as DatabaseFailure
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

REQUESTS = Counter("orsta_http_requests", "Requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("orsta_http_request_seconds", "Time to answer", ["method", "route"])
SOCKETS = Gauge("orsta_websockets", "Open WebSockets of this process")


class _Rows(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Yield them; without the database the process's own metrics are all there is."""
        try:
            yield from self._read()
        except DatabaseFailure as error:
            logger.warning("Metrics left out", extra={"reason": str(error)})

    def describe(self) -> Iterable[Metric]:
        return ()  # registering must not query


def register(read: Callable[[], Iterable[Metric]]) -> None:
    """Add metrics that are read from the database when somebody scrapes `/metrics`."""
    REGISTRY.register(_Rows(read))
