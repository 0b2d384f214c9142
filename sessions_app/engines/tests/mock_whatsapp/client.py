"""A real neonize client, as a test sees it: a process that takes orders and reports events."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessions_app.engines.tests.mock_whatsapp.control import MockWhatsApp

DRIVER = "sessions_app.engines.tests.mock_whatsapp.driver"
WAIT_SECONDS = 30.0


class Refused(Exception):
    """The client raised when it did what it was told."""


class Client:
    """One client and its store. `events` keeps what came and nobody has waited for."""

    def __init__(self, whatsapp: MockWhatsApp, store: Path, jid: str = "") -> None:
        self._channel, theirs = socket.socketpair()
        fd = theirs.fileno()
        self._process = subprocess.Popen(  # noqa: S603 (our own driver)
            [sys.executable, "-m", DRIVER, str(fd), str(store), jid],
            pass_fds=[fd],
            env=os.environ | {"NEONIZE_BOT_TAG": "off"} | whatsapp.environment(),
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self.events: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._orders = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def order(self, op: str, **arguments: Any) -> Any:
        """Have the client do something and return the outcome.

        :raises Refused: when the client raised.
        """
        self._orders += 1
        order = {"id": self._orders, "op": op, **arguments}
        self._channel.sendall(json.dumps(order).encode() + b"\n")
        answer = self._await(lambda line: line.get("id") == order["id"])
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def wait(
        self,
        event: str,
        when: Callable[[Any], bool] = lambda data: True,
        seconds: float = WAIT_SECONDS,
    ) -> Any:
        """Return the data of the first event of this name that fits, and forget the event."""

        def fits(line: dict[str, Any]) -> bool:
            return line.get("event") == event and when(line["data"])

        return self._await(fits, seconds)["data"]

    def freeze(self) -> None:
        """Stop the process where it is: its socket stays open, and nothing is read."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End the process, as a crash would, and let go of it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._channel.close()

    def _await(
        self, fits: Callable[[dict[str, Any]], bool], seconds: float = WAIT_SECONDS
    ) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not (found := next((one for one in self.events if fits(one)), None)):
            try:
                self.events.append(self._lines.get(timeout=end - time.monotonic()))
            except (queue.Empty, ValueError):
                seen = [one.get("event") for one in self.events]
                raise TimeoutError(f"only saw {seen}") from None
        self.events.remove(found)
        return found

    def _read(self) -> None:
        with self._channel.makefile("rb") as lines:
            for line in lines:
                self._lines.put(json.loads(line))
