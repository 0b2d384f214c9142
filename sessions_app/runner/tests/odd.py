"""An engine whose connections do what a test says, and a worker without a database."""

import asyncio
import contextlib
from dataclasses import replace

from sessions_app.engines import registry
from sessions_app.engines.answers import LiveStatus, PairingCode, SendResult
from sessions_app.engines.base import Connection, Engine, SessionRef
from sessions_app.engines.capabilities import Capability
from sessions_app.ingest.reports import Moved, Observed
from sessions_app.runner.pacing import Pacer
from sessions_app.runner.tuning import Tuning
from sessions_app.runner.worker import Worker
from sessions_app.services.leases import Claim

JID = "15550100001@s.whatsapp.net"
QUICK = Tuning(flap=0.0, connects_per_second=1000.0, first_wait=0.02, longest_wait=0.05)


class OddConnection(Connection):
    """Does what `OddEngine` was told."""

    def __init__(self, engine, sink):
        self.engine = engine
        self.sink = sink
        self.closed = 0
        self.left = 0

    async def send(self, message):
        self.engine.sent.append(message)
        if self.engine.send is not None:
            return await self.engine.send(message)
        return SendResult(message.message_id or "WA", self.engine.now)

    async def contacts(self, *, page_size):
        yield []

    async def act(self, action, arguments):
        return {}

    async def status(self):
        self.engine.probes += 1
        return await self.engine.status()

    def configure(self, options):
        pass

    async def logout(self):
        self.engine.logouts += 1

    async def close(self):
        self.closed += 1

    async def leave(self):
        self.left += 1

    async def pair_with_code(self, phone):
        return PairingCode("ABCD-EFGH", self.engine.code_valid_for)

    async def hear(self, payload):
        self.engine.heard.append(payload)
        if self.engine.hear is not None:
            await self.engine.hear(payload)


class OddEngine(Engine):
    """Scripted: `plays` has one coroutine function per connection, the last one repeats."""

    name = "odd"
    capabilities = frozenset({Capability.PAIR_QR, Capability.GATEWAY})

    def __init__(self):
        self.plays = []
        self.opened = []
        self.sent = []
        self.heard = []
        self.send = None
        self.hear = None
        self.probes = 0
        self.logouts = 0
        self.now = None
        self.code_valid_for = None

    async def status(self):
        return LiveStatus(connected=True, linked=True, jid=JID)

    def provision(self, ref):
        pass

    def purge(self, ref):
        pass

    async def connect(self, ref, sink):
        play = self.plays[min(len(self.opened), len(self.plays) - 1)]
        connection = OddConnection(self, sink)
        self.opened.append(connection)
        await play(sink)
        return connection


def says(*happened):
    """A connection that emits these events, and then nothing."""

    async def play(sink):
        for event in happened:
            await sink(event)

    return play


def refuses(error):
    """A connection that can't be opened."""

    async def play(sink):
        raise error

    return play


class Reports:
    """A writer that keeps what it gets."""

    def __init__(self):
        self.all = []
        self.lost = set()

    async def put(self, report):
        self.all.append(report)

    async def flush(self):
        pass

    def events(self):
        return [report.event for report in self.all if isinstance(report, Observed)]

    def moves(self):
        return [report.status for report in self.all if isinstance(report, Moved)]


@contextlib.contextmanager
def offered(engine):
    """Have the registry offer the engine as "odd"."""
    before = dict(registry._instances), dict(registry._options)
    registry._instances["odd"] = engine
    registry._options["odd"] = {}
    try:
        yield engine
    finally:
        registry._instances.clear()
        registry._options.clear()
        registry._instances.update(before[0])
        registry._options.update(before[1])


@contextlib.asynccontextmanager
async def working(engine, reports, **tuning):
    """Run a worker on the engine."""
    tuned = replace(QUICK, **tuning)

    async def load(claim):
        return SessionRef(claim.public_id, claim.epoch)

    worker = Worker(
        Claim(1, "ses_odd", "odd", "STARTING", 1),
        writer=reports,
        idle=lambda: None,
        load=load,
        pacer=Pacer(tuned.connects_per_second),
        tuning=tuned,
    )
    worker.open()
    try:
        yield worker
    finally:
        await worker.close()


async def until(condition, *, seconds=10):
    """Wait until it holds, and return what it returned."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):  # noqa: ASYNC110 (any condition, not an event)
            await asyncio.sleep(0.005)
    return found
