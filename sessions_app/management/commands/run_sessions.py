"""`manage.py run_sessions`: own WhatsApp sessions until told to stop."""

import asyncio
import os
import secrets
import signal
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from orsta.core.version import VERSION
from sessions_app.runner import tuning
from sessions_app.runner.supervisor import Supervisor


class Command(BaseCommand):
    """Several runners may run at once, on any number of machines; they share by lease."""

    help = "Hold the connections of WhatsApp sessions and execute their commands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--node", default=settings.ORSTA_RUNNER_NODE)
        parser.add_argument("--capacity", type=int, default=settings.ORSTA_RUNNER_CAPACITY)

    def handle(self, *_: Any, node: str, capacity: int, **__: Any) -> None:
        asyncio.run(self._run(node or socket.gethostname(), capacity))

    async def _run(self, node: str, capacity: int) -> None:
        # Each process is an owner of its own: after a restart the old leases run out first.
        owner = f"{node}:{os.getpid()}:{secrets.token_hex(3)}"[:80]
        supervisor = Supervisor(
            node=owner, capacity=capacity, version=VERSION, tuning=tuning.from_settings()
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run()
