"""A relay in a process of its own, for a test that kills it.

`python -m orsta.core.tests.slow_relay FILE`: each delivery takes some milliseconds and then
leaves a line "shard number sequence event-id" in FILE.
"""

import os
import sys
import time
from collections import defaultdict
from typing import Any

import django
from django.core.management import call_command

DELIVERY_SECONDS = 0.005


def main(path: str) -> None:
    """Run `manage.py run_relay` with one slow handler and no others."""
    django.setup()
    from orsta.core.outbox import registry

    registry._handlers = defaultdict(list)
    registry._batch_handlers = []
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @registry.subscribe("test.step")
    def deliver(event: Any) -> None:
        time.sleep(DELIVERY_SECONDS)
        line = f"{event.shard} {event.payload['n']} {event.seq} {event.event_id}\n"
        os.write(file, line.encode())

    call_command("run_relay")


if __name__ == "__main__":
    main(sys.argv[1])
