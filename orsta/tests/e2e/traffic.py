"""Customers that do not give up: they repeat what got no answer and resume what broke off."""

import threading
import time
import uuid
from collections import Counter, defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, Self

import httpx
import psycopg
from websockets.exceptions import WebSocketException

from orsta.tests.e2e.client import Customer, Json, Socket, eventually
from orsta.tests.e2e.stack import Stack

FRIEND = "+14155550123"
_PATIENCE_SECONDS = 90
_PAUSE_SECONDS = 0.2


def insist(customer: Customer, path: str, body: Json) -> Json:
    """POST until it is accepted, always with the same `Idempotency-Key`; return the answer."""
    key = str(uuid.uuid4())
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            answer = customer.program.post(path, body, key=key)
        except httpx.TransportError:
            pass  # nobody knows whether it was done: that is what the key is for
        else:
            if answer.status_code == 202:
                accepted: Json = answer.json()
                return accepted
            may_pass = answer.status_code == 503 or answer.json()["code"] == (
                "request_in_progress"
            )
            assert may_pass, answer.text
            assert "Traceback" not in answer.text
        assert time.monotonic() < end, f"{path} was not accepted"
        time.sleep(_PAUSE_SECONDS)


class Traffic:
    """Sends from many threads at once. `ids` holds what was accepted, by session."""

    def __init__(self, customer: Customer, session_ids: list[str], *, threads: int = 8) -> None:
        self._customer = customer
        self._sessions = session_ids
        self._pool = ThreadPoolExecutor(threads)
        self._pending: list[Future[None]] = []
        self._lock = threading.Lock()
        self.ids: defaultdict[str, list[str]] = defaultdict(list)
        self.inbound: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def accepted(self) -> int:
        """How many messages were accepted so far."""
        with self._lock:
            return sum(map(len, self.ids.values()))

    def send(self, text: str, *, count: int, at_once: int = 1) -> None:
        """Start to send `count` messages, in lists of `at_once`, to the sessions in turn."""
        for number in range(0, count, at_once):
            size = min(at_once, count - number)
            drafts = [{"to": FRIEND, "text": f"{text} {number + n}"} for n in range(size)]
            session_id = self._sessions[number // at_once % len(self._sessions)]
            self._pending.append(self._pool.submit(self._send, session_id, drafts))

    def receive(self, text: str, *, count: int) -> None:
        """Start to write `count` messages to every session."""
        for session_id in self._sessions:
            self._pending.append(self._pool.submit(self._receive, session_id, text, count))

    def finish(self) -> None:
        """Wait until everything is accepted."""
        pending, self._pending = self._pending, []
        for one in pending:
            one.result(_PATIENCE_SECONDS + 10)

    def _send(self, session_id: str, drafts: list[Json]) -> None:
        path = f"/v1/sessions/{session_id}/messages"
        rows = insist(self._customer, path, {"messages": drafts})["messages"]
        with self._lock:
            self.ids[session_id] += [row["id"] for row in rows]

    def _receive(self, session_id: str, text: str, count: int) -> None:
        path = f"/v1/sandbox/sessions/{session_id}/inbound"
        insist(self._customer, path, {"from": FRIEND, "text": text, "count": count})
        with self._lock:
            self.inbound[session_id] += count


class Follower(threading.Thread):
    """A client on the WebSocket that comes back and resumes; `events` is by `seq`."""

    def __init__(self, customer: Customer) -> None:
        super().__init__(daemon=True)
        self._customer = customer
        self._over = threading.Event()
        self.events: dict[int, Json] = {}
        self.breaks = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Follow until the block ends."""
        while not self._over.is_set():
            try:
                with closing(
                    Socket(self._customer.url, x_api_key=self._customer.api_key)
                ) as socket:
                    self._follow(socket)
            except (OSError, WebSocketException):  # a time-out is an OSError
                self.breaks += 1
                time.sleep(_PAUSE_SECONDS)

    def _follow(self, socket: Socket) -> None:
        complete = False
        while not complete:
            reply = socket.ask("resume", {"after": max(self.events, default=0)})
            if reply["action"] == "error":
                assert reply["status"] == 503, reply
                time.sleep(_PAUSE_SECONDS)
                continue
            assert reply["data"]["lost"] == 0
            complete = reply["data"]["complete"]
            self._keep(socket)
        while not self._over.is_set():
            socket.listen(seconds=0.5)
            self._keep(socket)

    def _keep(self, socket: Socket) -> None:
        for event in socket.events:
            known = self.events.setdefault(event["seq"], event)
            assert known == event, "one number, two events"
        socket.events.clear()


class Witness:
    """Looks into the database, past the API."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        urls = self._stack.folder.read_stack()
        assert urls is not None
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            return connection.execute(query, values).fetchall()

    def in_flight(self) -> int:
        """How many messages were accepted and not read yet."""
        ends = ["READ", "RECEIVED", "FAILED", "UNKNOWN"]
        query = "SELECT count(*) FROM messaging_message WHERE status <> ALL (%s)"
        return int(self.rows(query, ends)[0][0])

    def received(self, session_id: str) -> int:
        """How many inbound messages the session has."""
        query = """
            SELECT count(*) FROM messaging_message message
            JOIN sessions_app_session session ON session.id = message.session_id
            WHERE session.public_id = %s AND message.direction = 'INBOUND'
        """
        return int(self.rows(query, session_id)[0][0])

    def delivered(self, session_id: str) -> Counter[str]:
        """How often the simulated world has each text of a session."""
        query = "SELECT body FROM sandbox.delivered WHERE session_id = %s"
        return Counter(row[0] for row in self.rows(query, session_id))


def assert_nothing_lost(
    customer: Customer, traffic: Traffic, witness: Witness, *, world_forgets: bool = False
) -> None:
    """Every message is read, and once in the world; every inbound one is here once.

    :param world_forgets: the database crashed, and with it the world lost its last moments.
    """
    eventually("all are read", lambda: witness.in_flight() == 0, seconds=_PATIENCE_SECONDS)
    for session_id, ids in traffic.ids.items():
        expected = traffic.inbound[session_id]
        eventually(
            "all inbound arrived",
            lambda one=session_id, count=expected: witness.received(one) >= count,
            seconds=_PATIENCE_SECONDS,
        )
        rows = customer.pages(f"/v1/sessions/{session_id}/messages", "messages")
        outbound = [row for row in rows if row["direction"] == "OUTBOUND"]
        assert sorted(row["id"] for row in outbound) == sorted(ids)
        assert {row["status"] for row in outbound} == {"READ"}
        inbound = [row["text"] for row in rows if row["direction"] == "INBOUND"]
        assert len(inbound) == len(set(inbound)) == expected
        sent, delivered = (
            Counter(row["text"] for row in outbound),
            witness.delivered(session_id),
        )
        assert delivered == sent or (world_forgets and delivered < sent)


def assert_every_step_was_told(follower: Follower, traffic: Traffic) -> None:
    """The numbers have no gap, and every message has its beginning and its end, once.

    What lies between may be skipped: a receipt can overtake the answer to a repeated send.
    """
    everyone = [message_id for ids in traffic.ids.values() for message_id in ids]
    inbound = sum(traffic.inbound.values())

    def told(name: str) -> Counter[str]:
        events = list(follower.events.copy().values())
        return Counter(e["data"]["message_id"] for e in events if e["action"] == name)

    eventually("the ends are told", lambda: told("message.read").keys() >= set(everyone))
    eventually("all inbound is told", lambda: told("message.received").total() >= inbound)
    assert told("message.queued") == told("message.read") == Counter(everyone)
    for name in ("message.sent", "message.delivered", "message.received"):
        assert set(told(name).values()) == {1}
    assert told("message.received").total() == inbound
    numbers = sorted(follower.events)
    # Before that come the key and its payment, of which a program does not hear.
    begin = min(n for n in numbers if follower.events[n]["action"] == "session.created")
    assert [n for n in numbers if n >= begin] == list(range(begin, numbers[-1] + 1))
    assert len({event["event_id"] for event in follower.events.values()}) == len(numbers)
