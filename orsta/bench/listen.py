"""A WebSocket in a process of its own that notes when each message arrives.

`python -m orsta.bench.listen` reads a plan on stdin, says "ready" once it is connected, and
writes its notes when it has seen enough.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import uvloop
from websockets.asyncio.client import connect


@dataclass(frozen=True)
class Plan:
    """Whose events, and how many `message.received` of them."""

    url: str
    api_key: str
    count: int
    seconds: float  # give up after this


@dataclass(frozen=True)
class Notes:
    """When messages arrived, and how long each took from the engine to here."""

    arrivals: list[float]  # seconds since the epoch
    delays_ms: list[float]


class Listener:
    """The process, seen from the one that measures."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def notes(self) -> Notes:
        """Wait until it has seen enough.

        :raises RuntimeError: it gave up: messages are missing.
        """
        assert self._process.stdout is not None  # noqa: S101 (we asked for the pipe)
        text = self._process.stdout.read()
        if self._process.wait() != 0:
            raise RuntimeError("Not every inbound message reached the WebSocket in time.")
        return Notes(**json.loads(text))


@contextmanager
def listening(plan: Plan) -> Iterator[Listener]:
    """Listen during the block; it begins when the socket is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orsta.bench.listen"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None  # noqa: S101 (we asked for the pipes)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        process.stdout.readline()
        try:
            yield Listener(process)
        finally:
            process.terminate()


async def _listen(plan: Plan) -> Notes:
    notes = Notes([], [])
    headers = {"x-api-key": plan.api_key}
    url = plan.url.replace("http", "ws", 1) + "/ws"
    async with (
        asyncio.timeout(plan.seconds),
        connect(url, additional_headers=headers, proxy=None, compression=None) as socket,
    ):
        await socket.recv()  # the greeting
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while len(notes.arrivals) < plan.count:
            text = await socket.recv()
            now = time.time()
            frame = json.loads(text)
            if frame["action"] == "message.received":
                sent_at = datetime.fromisoformat(frame["data"]["sent_at"]).timestamp()
                notes.arrivals.append(now)
                notes.delays_ms.append((now - sent_at) * 1000)
    return notes


def main() -> None:
    """Carry out the plan on stdin."""
    plan = Plan(**json.load(sys.stdin))
    notes = uvloop.run(_listen(plan))
    sys.stdout.write(json.dumps(asdict(notes)))


if __name__ == "__main__":
    main()
