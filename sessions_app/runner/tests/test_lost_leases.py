"""What a runner does that lost a lease, or can't renew what it has."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from sessions_app.engines import events
from sessions_app.engines.tests.live import live
from sessions_app.runner.tests.odd import JID, OddEngine, Reports, offered, says, until, working
from sessions_app.runner.tests.test_runner import connect, eventually, prepared, running
from sessions_app.services import leases


@live
async def test_what_the_database_takes_no_more_is_not_acknowledged():
    reports, engine = Reports(), OddEngine()
    engine.plays = [says(events.Connected(JID))]
    with offered(engine):
        async with working(engine, reports) as worker:
            await until(lambda: worker.connected)
            sink = engine.opened[0].sink
            await sink.kept()

            reports.lost.add((1, 1))

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await sink.kept()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_just_does_not_answer_costs_the_connections_too(monkeypatch):
    monkeypatch.setattr(leases, "RENEW_EVERY", timedelta(seconds=0.2))
    monkeypatch.setattr(leases, "SELF_STOP_AFTER", timedelta(seconds=2))
    session, silent, renew = prepared(), threading.Event(), leases.renew

    def hang(**wanted):
        silent.wait(timeout=60)
        return renew(**wanted)

    with running() as runner:
        connect(session)
        time.sleep(2)
        assert list(runner.supervisor.holdings.workers) == [session.pk]
        monkeypatch.setattr(leases, "renew", hang)
        try:
            eventually(lambda: not runner.supervisor.holdings.workers)
        finally:
            silent.set()
