"""Valkey and PostgreSQL go away while messages move: answers stay honest, nothing is lost."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import httpx
import pytest

from orsta.launcher import supervision
from orsta.tests.e2e.client import Client, Customer, Json, eventually
from orsta.tests.e2e.stack import Stack
from orsta.tests.e2e.traffic import (
    FRIEND,
    Follower,
    Traffic,
    Witness,
    assert_every_step_was_told,
    assert_nothing_lost,
)

AWAY_SECONDS = 6.0  # shorter than the 20 s after which a runner lets go of its sessions


@pytest.fixture
def anybody(stack: Stack) -> Iterator[Client]:
    """Somebody without a credential, who watches the probes."""
    with closing(Client(stack.base_url)) as client:
        yield client


@contextmanager
def frozen(stack: Stack, program: str) -> Iterator[None]:
    """Have a program hang: its connections stay open and nothing answers."""
    process = stack.pid_of(program)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def stopped(stack: Stack, program: str) -> Iterator[None]:
    """Have a program away until the end of the block."""
    with supervision.connection(stack.folder) as rpc:
        rpc.stopProcess(program)
    try:
        yield
    finally:
        with supervision.connection(stack.folder) as rpc:
            rpc.startProcess(program)


def failed_checks(anybody: Client) -> set[str]:
    """Return what `/readyz` complains of."""
    answer = anybody.get("/readyz")
    checks: Json = answer.json()["checks"]
    failed = {name for name, check in checks.items() if not check["ok"]}
    assert answer.status_code == (503 if failed else 200)
    return failed


def epochs(witness: Witness) -> list[tuple[int, int]]:
    """Return the epoch of every session: it grows when a runner lets go of one."""
    return witness.rows("SELECT session_id, epoch FROM sessions_app_lease ORDER BY 1")


def assert_honest(answer: httpx.Response) -> None:
    """The answer says that we are down, and nothing of how we are made."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"].isdigit()
    assert answer.json()["status"] == 503
    for word in ("Traceback", "psycopg", "SELECT", "postgres", "/run/"):
        assert word not in answer.text


def ask_everything(customer: Customer, anybody: Client, session_id: str) -> None:
    """Ask what needs the database and what does not, all at once: some answers take a while."""
    message = {"to": FRIEND, "text": "refused"}
    with ThreadPoolExecutor() as pool:
        needs_it = [
            pool.submit(customer.program.get, "/v1/sessions"),
            pool.submit(customer.program.post, f"/v1/sessions/{session_id}/messages", message),
            pool.submit(customer.person.get, "/auth/me"),
        ]
        does_not = [pool.submit(anybody.get, path) for path in ("/health", "/metrics")]
        failed = pool.submit(failed_checks, anybody)
    for asked in needs_it:
        assert_honest(asked.result())
    assert [asked.result().status_code for asked in does_not] == [200, 200]
    assert failed.result() == {"database", "outbox", "runner"}


def test_a_valkey_that_hangs_delays_messages_and_loses_none(
    stack: Stack, customer: Customer, anybody: Client
) -> None:
    witness = Witness(stack)
    session_id = customer.connected_session()
    owned = epochs(witness)

    with Follower(customer) as follower, Traffic(customer, [session_id]) as traffic:
        traffic.send("before", count=20)
        with frozen(stack, "valkey"):
            traffic.send("meanwhile", count=60)
            traffic.receive("meanwhile", count=10)
            traffic.finish()
            assert failed_checks(anybody) == {"redis"}
            assert anybody.get("/health").status_code == 200
            eventually("they move all the same", lambda: witness.in_flight() == 0)
        traffic.send("after", count=20)
        traffic.finish()

        assert_nothing_lost(customer, traffic, witness)
        assert_every_step_was_told(follower, traffic)
    eventually("ready again", lambda: failed_checks(anybody) == set())
    assert epochs(witness) == owned


def test_a_valkey_that_dies_loses_nothing(
    stack: Stack, customer: Customer, anybody: Client
) -> None:
    witness = Witness(stack)
    session_id = customer.connected_session()
    owned = epochs(witness)

    with Follower(customer) as follower, Traffic(customer, [session_id]) as traffic:
        traffic.send("around it", count=60)
        traffic.receive("around it", count=10)
        killed = stack.kill("valkey")
        created = customer.create_session("while it is away")
        stack.wait_until_replaced("valkey", killed)
        traffic.send("after", count=20)
        traffic.finish()

        assert_nothing_lost(customer, traffic, witness)
        assert_every_step_was_told(follower, traffic)
        customer.scan(created)
        eventually("connected", lambda: customer.status_of(created) == "CONNECTED")
    eventually("ready again", lambda: failed_checks(anybody) == set())
    assert epochs(witness)[: len(owned)] == owned


def test_a_database_that_is_away_for_a_moment_loses_nothing(
    stack: Stack, customer: Customer, anybody: Client
) -> None:
    witness = Witness(stack)
    session_id = customer.connected_session()

    with Follower(customer) as follower, Traffic(customer, [session_id]) as traffic:
        traffic.send("around it", count=60)
        traffic.receive("around it", count=10)
        with stopped(stack, "postgres"):
            begin = time.monotonic()
            ask_everything(customer, anybody, session_id)
            time.sleep(max(0.0, begin + AWAY_SECONDS - time.monotonic()))
        traffic.send("after", count=20)
        traffic.finish()

        eventually("ready again", lambda: failed_checks(anybody) == set())
        assert_nothing_lost(customer, traffic, witness)
        assert_every_step_was_told(follower, traffic)
    assert customer.status_of(session_id) == "CONNECTED"


def test_a_database_that_crashes_keeps_what_was_accepted(
    stack: Stack, customer: Customer, anybody: Client
) -> None:
    witness = Witness(stack)
    session_id = customer.connected_session()
    owned = epochs(witness)

    with Follower(customer) as follower, Traffic(customer, [session_id]) as traffic:
        traffic.send("around it", count=100)
        eventually("some are accepted", lambda: traffic.accepted > 20)
        killed = stack.kill("postgres")
        stack.wait_until_replaced("postgres", killed)
        traffic.receive("after", count=10)
        traffic.finish()

        eventually("ready again", lambda: failed_checks(anybody) == set())
        assert_nothing_lost(customer, traffic, witness, world_forgets=True)
        assert_every_step_was_told(follower, traffic)
    assert epochs(witness) == owned
