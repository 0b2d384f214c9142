"""`python -m orsta.bench.density`: what a session on the engine neonize costs its machine.

It opens sessions on the mock WhatsApp of the tests, each in a host of its own as a runner does,
and reads from Linux what the hosts take: connecting, idle, sending and connecting again. The
accounts are new: no history, no groups, few contacts. Needs the empty database of DATABASE_URL.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from uuid import uuid4

import psycopg

from orsta.bench import machine, report
from orsta.bench.hosts import Host, hosts_of
from sessions_app.engines import events
from sessions_app.engines.base import Connection, SessionRef
from sessions_app.engines.neonize.engine import NeonizeEngine
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.mock_whatsapp.control import MockWhatsApp

HOST = (sys.executable, "-m", "sessions_app.engines.tests.mock_whatsapp.patched_host")
_PATIENCE_SECONDS = 60.0
_SETTLE_SECONDS = 5.0
_FIRST_NUMBER = 15550200001
_FRIEND = 15550190000
_MIB = 2**20


@dataclass
class Heard:
    """A sink that remembers what came."""

    events: list[object] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, event: object, /) -> None:
        async with self._came:
            self.events.append(event)
            self._came.notify_all()

    async def kept(self) -> None:
        """Return at once: nothing outlives the run."""

    async def first(self, kind: type) -> object:
        """Wait for an event of this kind and return it.

        :raises RuntimeError: it did not come.
        """

        def found() -> list[object]:
            return [event for event in self.events if isinstance(event, kind)]

        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._came:
                await self._came.wait_for(found)
        except TimeoutError:
            came = ", ".join(map(repr, self.events)) or "nothing"
            raise RuntimeError(f"No {kind.__name__}, but {came}.") from None
        return found()[0]


@dataclass
class Bench:
    """One WhatsApp and the sessions that are open on it."""

    whatsapp: MockWhatsApp
    engine: NeonizeEngine
    open: dict[str, tuple[SessionRef, Connection]] = field(default_factory=dict)

    async def link(self, number: str) -> None:
        """Open a session, scan its code, and return when it is connected."""
        ref, heard = SessionRef(f"ses_{uuid4().hex}", epoch=1), Heard()
        connection = await self.engine.connect(ref, heard)
        self.open[number] = (ref, connection)
        challenge = await heard.first(events.ChallengeIssued)
        phone = self.whatsapp.phone(number)
        await asyncio.to_thread(phone.scan, getattr(challenge, "text", ""))
        await heard.first(events.Connected)

    async def again(self, number: str) -> float:
        """Close the session's connection and open it; return the seconds of that."""
        ref, connection = self.open[number]
        await connection.close()
        begun, heard = time.monotonic(), Heard()
        self.open[number] = (ref, await self.engine.connect(ref, heard))
        await heard.first(events.Connected)
        return time.monotonic() - begun

    async def send(self, number: str, count: int) -> None:
        """Send texts to one phone, each when the one before was taken."""
        _, connection = self.open[number]
        to = f"{_FRIEND}@s.whatsapp.net"
        for index in range(count):
            await connection.send(OutgoingText(f"msg_{index}", to, "How are you today?"))

    async def close(self) -> None:
        """Close everything and forget the devices."""
        for ref, connection in self.open.values():
            await connection.close()
            await asyncio.to_thread(self.engine.purge, ref)


async def measure(bench: Bench, sessions: int, *, idle_seconds: float, messages: int) -> str:
    """Open sessions until there are so many; return a line of the table."""
    numbers = [str(_FIRST_NUMBER + index) for index in range(sessions)]
    for number in numbers[len(bench.open) :]:
        await bench.link(number)
    await asyncio.sleep(_SETTLE_SECONDS)
    linked = hosts_of(os.getpid())
    await asyncio.sleep(idle_seconds)
    idle = hosts_of(os.getpid())
    await asyncio.gather(*(bench.send(number, messages) for number in numbers))
    sent = hosts_of(os.getpid())
    connections = _connections()
    waits = [await bench.again(number) for number in numbers]
    resumed = hosts_of(os.getpid())
    cells = [
        str(sessions),
        *_memory(idle),
        f"{100 * (_cpu(idle) - _cpu(linked)) / idle_seconds:.2f} %",
        f"{100 * (_cpu(sent) - _cpu(idle)) / messages:.2f} s",
        f"{mean(host.pss_bytes for host in sent) / _MIB:.0f}",
        f"{_cpu(resumed):.2f} s",
        f"{mean(waits):.1f} s",
        f"{mean(host.files for host in idle):.0f}",
        f"{mean(host.threads for host in idle):.0f}",
        f"{connections / sessions:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _cpu(hosts: Sequence[Host]) -> float:
    """Return the seconds that a host used since its start."""
    return mean(host.cpu_seconds for host in hosts)


def _memory(hosts: Sequence[Host]) -> list[str]:
    """Return PSS, private and resident memory of a host, in MiB."""
    kinds = ("pss_bytes", "private_bytes", "resident_bytes")
    return [f"{mean(getattr(host, kind) for host in hosts) / _MIB:.0f}" for kind in kinds]


def _connections() -> int:
    """Return how many connections the hosts have to the database; ours closes at once."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


HEAD = (
    "| Sessions | PSS, MiB | private | resident | idle CPU | CPU per 100 texts | PSS after"
    " | CPU to connect again | time | files | threads | PostgreSQL |\n" + "|---" * 12 + "|"
)


async def table(options: argparse.Namespace) -> str:
    """Measure everything; return the table with the machine below."""
    whatsapp = MockWhatsApp()
    conditions = machine.describe({"DATABASE_URL": os.environ["DATABASE_URL"]})
    async with AsyncExitStack() as stack:
        whatsapp.start()
        stack.callback(whatsapp.stop)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="orsta-density-"))
        engine = NeonizeEngine(
            os.environ["DATABASE_URL"],
            folder,
            host_command=HOST,
            extra_env=whatsapp.environment(),
        )
        bench = Bench(whatsapp, engine)
        stack.push_async_callback(bench.close)
        whatsapp.phone(str(_FRIEND))
        lines = [HEAD]
        for sessions in options.sessions:
            line = await measure(
                bench, sessions, idle_seconds=options.idle, messages=options.messages
            )
            sys.stderr.write(f"{line}\n")
            lines.append(line)
    return "\n".join([*lines, "", *(f"{line}  " for line in conditions)]) + "\n"


def main(arguments: list[str]) -> int:
    """Measure, print the table, and keep it if asked."""
    parser = argparse.ArgumentParser(prog="python -m orsta.bench.density", description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--messages", type=int, default=100, help="that each session sends")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of doing nothing")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    options = parser.parse_args(arguments)
    text = asyncio.run(table(options))
    sys.stdout.write(text)
    if options.write:
        report.write(options.write, "density", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
