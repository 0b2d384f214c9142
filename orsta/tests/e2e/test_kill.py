"""Any process may be killed while messages are on their way: none is lost, none comes twice."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from orsta.launcher.valkey import free_port
from orsta.tests.e2e.client import Customer, eventually
from orsta.tests.e2e.stack import Stack
from orsta.tests.e2e.traffic import (
    Follower,
    Traffic,
    Witness,
    assert_every_step_was_told,
    assert_nothing_lost,
)

SESSIONS = 3
IN_FLIGHT = 200
INBOUND = 10  # per session and kill
CONTACTS = 50_000
TAKEOVER = timedelta(seconds=45)
BUSY = timedelta(seconds=10)  # what a machine with two cores and a whole Orsta adds


@pytest.fixture(scope="module")
def slow_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An Orsta whose messages take five seconds until they are read."""
    running = Stack(
        data=tmp_path_factory.mktemp("kill") / "data",
        port=free_port(),
        extra={"ORSTA_SANDBOX_SPEED": "0.2"},
    )
    running.start()
    running.lift_limits()
    yield running
    assert running.stop() == 0
    assert running.left() == []


@pytest.fixture
def customer(slow_stack: Stack) -> Iterator[Customer]:
    """A customer who paid."""
    with closing(Customer(slow_stack.base_url)) as paying:
        paying.pay()
        yield paying


def connect_all(customer: Customer) -> list[str]:
    """Connect as many sessions as the plan allows, side by side."""
    made = [customer.create_session(f"session {number}") for number in range(SESSIONS)]
    for session_id in made:
        customer.scan(session_id, contacts=CONTACTS)
    for session_id in made:
        eventually("connected", lambda one=session_id: customer.status_of(one) == "CONNECTED")
    return made


def kill_while_messages_move(
    program: str, stack: Stack, traffic: Traffic, witness: Witness
) -> None:
    """Have at least `IN_FLIGHT` messages on their way, and kill a program with its children."""
    before = traffic.accepted
    traffic.receive(f"while {program} dies", count=INBOUND)
    traffic.send(f"{program}, many", count=IN_FLIGHT, at_once=20)
    traffic.send(f"{program}, single", count=40)
    eventually("many are accepted", lambda: traffic.accepted - before >= IN_FLIGHT)

    process = stack.pid_of(program)
    os.killpg(process, signal.SIGKILL)

    assert witness.in_flight() >= IN_FLIGHT
    stack.wait_until_replaced(program, process)
    traffic.finish()


def history_since(customer: Customer, session_id: str, moment: datetime) -> list[str]:
    """Return the statuses that the session went through since then, oldest first."""
    path = f"/v1/sessions/{session_id}/transitions"
    steps = reversed(customer.pages(path, "transitions"))
    return [step["new"] for step in steps if datetime.fromisoformat(step["at"]) >= moment]


def test_killing_any_program_loses_and_doubles_nothing(
    slow_stack: Stack, customer: Customer
) -> None:
    witness = Witness(slow_stack)
    sessions = connect_all(customer)
    begin = datetime.now(UTC)

    with Follower(customer) as follower, Traffic(customer, sessions) as traffic:
        kill_while_messages_move("web", slow_stack, traffic, witness)
        kill_while_messages_move("relay", slow_stack, traffic, witness)
        start_writing_contacts(customer, sessions[0], witness)
        kill_while_messages_move("worker", slow_stack, traffic, witness)
        killed_at = datetime.now(UTC)
        kill_while_messages_move("runner", slow_stack, traffic, witness)

        wait_for_takeover(customer, sessions, since=killed_at)
        assert traffic.accepted == 4 * (IN_FLIGHT + 40)
        assert_nothing_lost(customer, traffic, witness)
        assert_every_step_was_told(follower, traffic)
        assert follower.breaks > 0

    for session_id in sessions:
        history = history_since(customer, session_id, begin)
        assert "PAIRING" not in history
        assert history[-1] == "CONNECTED"
    wait_for_contacts(customer, sessions[0])


def start_writing_contacts(customer: Customer, session_id: str, witness: Witness) -> None:
    """Give the worker something to be in the middle of."""
    assert customer.program.post(f"/v1/sessions/{session_id}/contacts/sync").status_code == 202
    query = "SELECT written FROM contacts_contactsync WHERE written > 0"
    eventually("some contacts are written", lambda: witness.rows(query))


def wait_for_takeover(customer: Customer, sessions: list[str], *, since: datetime) -> None:
    """Return when all are connected again; that must not take longer than promised."""
    for session_id in sessions:
        eventually(
            "the session is connected again",
            lambda one=session_id: history_since(customer, one, since)[-1:] == ["CONNECTED"],
            seconds=(TAKEOVER + BUSY).total_seconds(),
        )
    assert datetime.now(UTC) - since <= TAKEOVER + BUSY


def wait_for_contacts(customer: Customer, session_id: str) -> None:
    """Return when the sync whose worker was killed has written every contact."""
    path = f"/v1/sessions/{session_id}/contacts/sync"

    def done() -> bool:
        return bool(customer.program.get(path).json()["sync"]["state"] == "DONE")

    eventually("the contacts are written", done, seconds=240)
    assert customer.program.get(path).json()["sync"]["written"] == CONTACTS
