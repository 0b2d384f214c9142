"""`manage.py run_relay`: dispatch outbox events until told to stop."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils import timezone

from orsta.core import doorbell
from orsta.core.outbox import relay
from orsta.core.outbox.registry import TransportDown
from orsta.core.outbox.services import BELL

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0  # how late an event can be when its ring was lost
OUTAGE_SECONDS = 2.0


class Command(BaseCommand):
    """Several relays may run at once; they share the lanes."""

    help = "Hand committed domain events to their subscribers."

    def handle(self, *_: Any, **__: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        bell = doorbell.Bell(BELL)
        logger.info("Relay started")
        while not stopping.is_set():
            if not self._step(stopping):
                bell.wait(timeout=POLL_SECONDS)
        logger.info("Relay stopped")

    def _step(self, stopping: threading.Event) -> int:
        """Drain once; return 0 when it is time to wait."""
        try:
            return relay.drain(now=timezone.now())
        except TransportDown as error:
            logger.warning("Broker unreachable", extra={"reason": str(error)})
        except DatabaseFailure as error:
            logger.warning("Database unreachable", extra={"reason": str(error)})
            connection.close()
        stopping.wait(OUTAGE_SECONDS)
        return 0
