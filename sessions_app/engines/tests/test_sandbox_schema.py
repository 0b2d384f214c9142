"""The sandbox makes its own tables, whoever comes first."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sessions_app.engines.base import EngineError, SessionRef
from sessions_app.engines.sandbox import queries
from sessions_app.engines.sandbox.engine import SandboxEngine
from sessions_app.engines.sandbox.world import World
from sessions_app.engines.tests.live import live, world


@pytest.fixture
def empty_database():
    name = f"sandbox_{uuid4().hex}"
    world(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(os.environ["DATABASE_URL"], dbname=name)
    world(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_many_processes_may_start_at_once(empty_database):
    refs = [SessionRef(f"ses_{number}") for number in range(16)]

    with ThreadPoolExecutor(len(refs)) as pool:
        list(pool.map(lambda ref: SandboxEngine(empty_database).provision(ref), refs))

    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT count(*) FROM sandbox.device").fetchone()
    assert found == (16,)


def test_a_database_that_is_away_may_be_asked_again():
    engine = SandboxEngine("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2")

    with pytest.raises(EngineError) as failed:
        engine.provision(SessionRef("ses_1"))

    assert failed.value.retryable


@live
async def test_tables_that_could_not_be_made_are_made_with_the_next_try(
    empty_database, monkeypatch
):
    made = World(empty_database)
    with monkeypatch.context() as broken:
        broken.setattr(queries, "PREPARE", "SELECT 1/0")
        with pytest.raises(EngineError):
            await made.armed("ses_1")

    assert await made.armed("ses_1") == []
    await made.close()


def test_a_speed_that_would_stop_time_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        SandboxEngine("postgresql://nowhere", speed=0)
