"""Load over HTTP, in a process of its own: `python -m orsta.bench.load` reads a plan on stdin.

Raw HTTP/1.1 on kept-alive connections: a comfortable client would take as much of the
processor as the server that it measures.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import uvloop

WARMUP_SECONDS = 1.0
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """What to send. Each connection repeats one of the requests; they are shared out."""

    url: str
    requests: tuple[str, ...]  # whole requests, see `request`
    connections: int
    seconds: float
    expected: int  # the status of a good answer


@dataclass(frozen=True)
class Load:
    """What came of it, without the warm-up."""

    answers: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return self.answers / self.seconds


def request(
    method: str, path: str, *, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
) -> str:
    """Return a request as it goes over the wire."""
    text = "" if body is None else json.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(text.encode())}"]
    return "\r\n".join(lines) + "\r\n\r\n" + text


def run(plan: Plan) -> Load:
    """Send in another process, so that this one's work does not slow it down."""
    done = subprocess.run(
        [sys.executable, "-m", "orsta.bench.load"],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Load(**json.loads(done.stdout))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class _Tally:
    def __init__(self, plan: Plan) -> None:
        self.begin = time.perf_counter() + WARMUP_SECONDS
        self.end = self.begin + plan.seconds
        self.waits: list[float] = []
        self.failures = 0
        self.last = self.begin

    def add(self, started: float, *, good: bool) -> None:
        now = time.perf_counter()
        if not self.begin < now:
            return
        if good:
            self.waits.append(now - started)
        else:
            self.failures += 1
        self.last = max(self.last, now)

    def result(self) -> Load:
        return Load(
            answers=len(self.waits),
            failures=self.failures,
            seconds=self.last - self.begin,
            p50_ms=percentile(self.waits, 0.5) * 1000,
            p99_ms=percentile(self.waits, 0.99) * 1000,
        )


async def _connection(plan: Plan, number: int, tally: _Tally) -> None:
    address = urlsplit(plan.url)
    raw = plan.requests[number % len(plan.requests)].encode()
    good = f" {plan.expected} ".encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        while (started := time.perf_counter()) < tally.end:
            writer.write(raw)
            tally.add(started, good=good in await _answer(reader))
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer to its end; return its status line."""
    head = await reader.readuntil(_HEAD_END)
    status, _, fields = head.partition(b"\r\n")
    lines = (line.partition(b":") for line in fields.lower().split(b"\r\n"))
    headers = {name: value.strip() for name, _, value in lines}
    if b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
    elif headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    return status


async def _send(plan: Plan) -> Load:
    tally = _Tally(plan)
    everyone = (_connection(plan, number, tally) for number in range(plan.connections))
    await asyncio.gather(*everyone)
    return tally.result()


def main() -> None:
    """Carry out the plan on stdin; write what came of it to stdout."""
    plan = Plan(**json.load(sys.stdin))
    sys.stdout.write(json.dumps(asdict(uvloop.run(_send(plan)))))


if __name__ == "__main__":
    main()
