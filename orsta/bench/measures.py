"""What is measured. Every measure is one run; whoever calls repeats it."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orsta.bench import listen, load
from orsta.bench.customers import Customer, wait_until

FRIEND = "+14155550123"
CONTACTS = 50_000
SESSIONS = 3  # what the starter plan allows
SEND_BATCH = 500  # the most that one request takes
BURST = 1_000  # the most that one sandbox action plays
STEADY_RATE = 200  # inbound messages per second where the delay is measured
STEADY_SECONDS = 10


@dataclass(frozen=True)
class Figure:
    """One run's result: the value, and what else is worth a column."""

    value: float
    note: dict[str, float] = field(default_factory=dict)  # label: milliseconds


@dataclass(frozen=True)
class Measure:
    """A line of the table."""

    name: str
    unit: str
    run: Callable[[], Figure]


@dataclass(frozen=True)
class Scene:
    """Connected sessions of several customers, to spread load over."""

    customers: list[Customer]
    sessions: list[tuple[Customer, str]]
    seconds: float

    @classmethod
    def set_up(cls, url: str, *, customers: int, seconds: float) -> "Scene":
        """Sign customers up and connect as many sessions as each may have."""
        everyone = [Customer.sign_up(url) for _ in range(customers)]
        sessions = [(one, one.connect()) for one in everyone for _ in range(SESSIONS)]
        return cls(everyone, sessions, seconds)

    def measures(self) -> Iterator[Measure]:
        """Yield every measure, in the order of the table."""
        for at_once in (1, 50):
            for connections in (16, 64):
                what = "one per request" if at_once == 1 else f"{at_once} per request"
                yield Measure(
                    f"accepted messages, {what}, {connections} connections",
                    "messages/s",
                    _accept(self, connections, at_once),
                )
        yield Measure("messages from acceptance to sent", "messages/s", lambda: drained(self))
        yield Measure(
            "inbound events, engine to WebSocket, burst", "events/s", lambda: burst(self)
        )
        yield Measure(f"inbound events at {STEADY_RATE}/s", "events/s", lambda: steady(self))
        url = self.customers[0].url
        yield Measure(f"first sync of {CONTACTS:,} contacts", "s", lambda: first_sync(url))
        yield Measure(f"sync of {CONTACTS:,} known contacts", "s", lambda: second_sync(url))
        yield Measure(
            "reads with an API key, 16 connections", "requests/s", lambda: reads(self)
        )


def _accept(scene: Scene, connections: int, at_once: int) -> Callable[[], Figure]:
    return lambda: accepted(scene, connections=connections, at_once=at_once)


def accepted(scene: Scene, *, connections: int, at_once: int) -> Figure:
    """Post messages as fast as they are accepted, and then let the runner send them."""
    draft = {"to": FRIEND, "text": "Your order is on its way."}
    body: dict[str, Any] = draft if at_once == 1 else {"messages": [draft] * at_once}
    requests = tuple(
        load.request(
            "POST", f"/v1/sessions/{session_id}/messages", headers=customer.headers, body=body
        )
        for customer, session_id in scene.sessions
    )
    url = scene.customers[0].url
    got = _good(load.run(load.Plan(url, requests, connections, scene.seconds, 202)))
    scene.customers[0].settle()
    return Figure(got.rate * at_once, {"p50": got.p50_ms, "p99": got.p99_ms})


def drained(scene: Scene) -> Figure:
    """Give every session a batch to send; the clock stops when the last one is sent."""
    draft = {"to": FRIEND, "text": "Your order is on its way."}
    begin = time.perf_counter()
    for customer, session_id in scene.sessions:
        body = {"messages": [draft] * SEND_BATCH}
        customer.post(f"/v1/sessions/{session_id}/messages", body)
    scene.customers[0].settle()
    return Figure(len(scene.sessions) * SEND_BATCH / (time.perf_counter() - begin))


def burst(scene: Scene) -> Figure:
    """Have everybody write at once; the clock stops at the last frame on the WebSocket."""
    customer, sessions = _of_one_customer(scene)
    plan = listen.Plan(customer.url, customer.api_key, count=BURST * len(sessions), seconds=120)
    with listen.listening(plan) as listener:
        begin = time.time()
        for session_id in sessions:
            _write_to(customer, session_id, count=BURST)
        notes = listener.notes()
    return Figure(plan.count / (max(notes.arrivals) - begin))


def steady(scene: Scene) -> Figure:
    """Have people write at an even rate; tells how long a message takes to the WebSocket."""
    customer, sessions = _of_one_customer(scene)
    size = 10
    steps = STEADY_RATE * STEADY_SECONDS // size
    plan = listen.Plan(customer.url, customer.api_key, count=steps * size, seconds=120)
    with listen.listening(plan) as listener:
        begin = time.perf_counter()
        for step in range(steps):
            due = begin + step * size / STEADY_RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            _write_to(customer, sessions[step % len(sessions)], count=size)
        notes = listener.notes()
    passed = max(notes.arrivals) - min(notes.arrivals)
    delays = {
        "p50": load.percentile(notes.delays_ms, 0.5),
        "p99": load.percentile(notes.delays_ms, 0.99),
    }
    return Figure(plan.count / passed, delays)


def first_sync(url: str) -> Figure:
    """Link an account with many contacts; they are fetched and written by themselves."""
    customer = Customer.sign_up(url)
    session_id = customer.connect(contacts=CONTACTS)
    return Figure(_sync_seconds(customer, session_id))


def second_sync(url: str) -> Figure:
    """Fetch an address book of which nothing changed since the first time."""
    customer = Customer.sign_up(url)
    session_id = customer.connect(contacts=CONTACTS)
    _sync_seconds(customer, session_id)
    customer.post(f"/v1/sessions/{session_id}/contacts/sync")
    return Figure(_sync_seconds(customer, session_id))


def reads(scene: Scene) -> Figure:
    """List a customer's sessions, with `wrk` where it is installed."""
    customer = scene.customers[0]
    if wrk := shutil.which("wrk"):
        return _reads_by_wrk(wrk, customer, seconds=scene.seconds)
    request = load.request("GET", "/v1/sessions", headers=customer.headers)
    got = _good(load.run(load.Plan(customer.url, (request,), 16, scene.seconds, 200)))
    return Figure(got.rate, {"p50": got.p50_ms, "p99": got.p99_ms})


def _reads_by_wrk(wrk: str, customer: Customer, *, seconds: float) -> Figure:
    options = ["-t1", "-c16", f"-d{max(1, int(seconds))}s", "--latency"]
    header = ["-H", f"x-api-key: {customer.api_key}"]
    done = subprocess.run(  # noqa: S603 (a fixed program, and arguments of ours)
        [wrk, *options, *header, f"{customer.url}/v1/sessions"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    figures = dict(re.findall(r"(50%|99%|Requests/sec:)\s+([\d.]+)(?:us|ms|s)?", done.stdout))
    units = dict(re.findall(r"(50%|99%)\s+[\d.]+(us|ms|s)", done.stdout))
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    waits = {
        label: float(figures[share]) * factor[units[share]]
        for label, share in (("p50", "50%"), ("p99", "99%"))
    }
    return Figure(float(figures["Requests/sec:"]), waits)


def _good(got: load.Load) -> load.Load:
    """Return what came of it if nothing failed: a rate of errors is no rate.

    :raises RuntimeError: something failed.
    """
    if got.failures:
        raise RuntimeError(f"{got.failures} of {got.answers + got.failures} requests failed.")
    return got


def _of_one_customer(scene: Scene) -> tuple[Customer, list[str]]:
    customer = scene.customers[0]
    return customer, [session_id for owner, session_id in scene.sessions if owner is customer]


def _write_to(customer: Customer, session_id: str, *, count: int) -> None:
    body = {"from": FRIEND, "text": "Where is my order?", "count": count}
    customer.post(f"/v1/sandbox/sessions/{session_id}/inbound", body)


def _sync_seconds(customer: Customer, session_id: str) -> float:
    """Wait for the newest sync; return how long it took, from the request to the last row."""

    def finished() -> Any:
        sync = customer.get(f"/v1/sessions/{session_id}/contacts/sync")["sync"]
        return sync if sync and sync["finished_at"] else None

    sync = wait_until("the contacts", finished)
    if sync["written"] != CONTACTS:
        raise RuntimeError(f"Only {sync['written']} contacts came: {sync['error']}")
    begin, end = (datetime.fromisoformat(sync[key]) for key in ("created_at", "finished_at"))
    return (end - begin).total_seconds()
