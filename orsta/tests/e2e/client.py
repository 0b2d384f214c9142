"""A customer of Orsta as its programs are: HTTP and the WebSocket, from outside."""

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, TypeVar

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

Json = dict[str, Any]
T = TypeVar("T")

PASSWORD = "correct horse battery"
SECONDS = 30  # how long anything may take on a busy machine
_numbers = itertools.count(1)


def eventually(what: str, condition: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """Return the first true answer of `condition`, or fail saying what did not come about."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(0.1)
    return found


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is a problem document with this status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


class Client:
    """HTTP with one credential; the answers are the caller's to judge."""

    def __init__(self, url: str, **headers: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers=_dashed(headers),
            timeout=SECONDS,
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> httpx.Response:
        """GET a path."""
        return self._http.get(path, params=query)

    def post(self, path: str, body: Json | None = None, *, key: str = "") -> httpx.Response:
        """POST JSON; `key` is the `Idempotency-Key`."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._http.post(path, json=body, headers=headers)

    def delete(self, path: str) -> httpx.Response:
        """DELETE a path."""
        return self._http.delete(path)

    def put(self, path: str, body: Json) -> httpx.Response:
        """PUT JSON."""
        return self._http.put(path, json=body)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


class Socket:
    """The WebSocket: replies come from `ask`, pushed events collect in `events`."""

    def __init__(self, url: str, **headers: str) -> None:
        self._open = ExitStack()
        self._connection = self._open.enter_context(
            connect(
                url.replace("http", "ws", 1) + "/ws",
                additional_headers=_dashed(headers),
                proxy=None,
                open_timeout=SECONDS,
            )
        )
        self._ids = itertools.count(1)
        self._read = 0
        self.events: list[Json] = []
        self.greeting = self._receive()

    def ask(self, action: str, payload: Json | None = None) -> Json:
        """Send a frame and return its reply, whatever is pushed before that."""
        number = next(self._ids)
        frame = {"action": action, "payload": payload or {}, "id": number}
        self._connection.send(json.dumps(frame))
        while (reply := self._receive()).get("id") != number:
            continue
        return reply

    def send(self, text: str) -> Json:
        """Send any text and return the next frame that is not an event."""
        self._connection.send(text)
        while "event_id" in (frame := self._receive()):
            continue
        return frame

    def until(self, name: str, /, *, seconds: float = SECONDS, **data: Any) -> Json:
        """Return the next event of this name with these members; read on from there."""
        end = time.monotonic() + seconds
        while True:
            while self._read < len(self.events):
                event = self.events[self._read]
                self._read += 1
                if event["action"] == name and data.items() <= event["data"].items():
                    return event
            self._receive(timeout=max(0.01, end - time.monotonic()))

    def listen(self, *, seconds: float) -> None:
        """Collect what comes within this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._receive(timeout=left)
            except TimeoutError:
                return

    def close_code(self) -> int:
        """Wait until the server closes; return its code."""
        try:
            while True:
                self._receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self) -> None:
        """Leave."""
        self._open.close()

    def _receive(self, timeout: float = SECONDS) -> Json:
        frame: Json = json.loads(self._connection.recv(timeout))
        if "event_id" in frame:
            self.events.append(frame)
        return frame


class Customer:
    """One tenant: `person` has its login token, `program` its API key."""

    def __init__(self, url: str) -> None:
        name = f"shop-{os.getpid()}-{time.time_ns()}-{next(_numbers)}"[:40]
        self.url = url
        self.email = f"{name}@example.com"
        with closing(Client(url)) as nobody:
            answer = nobody.post(
                "/auth/signup",
                {"username": name, "email": self.email, "password": PASSWORD},
            )
            assert answer.status_code == 201, answer.text
            self.cookie = answer.cookies["orsta_session"]
        self.token: str = answer.json()["token"]
        self.api_key: str = answer.json()["eakey"]
        self.person = Client(url, authorization=f"Bearer {self.token}")
        self.program = Client(url, x_api_key=self.api_key)

    def pay(self) -> None:
        """Turn the API key on."""
        answer = self.person.post("/billing/enable-api-key")
        assert answer.status_code == 200, answer.text

    @contextmanager
    def socket(self) -> Iterator[Socket]:
        """Open a WebSocket with the API key."""
        with closing(Socket(self.url, x_api_key=self.api_key)) as opened:
            yield opened

    def create_session(self, name: str = "shop") -> str:
        """Create a session; return its id."""
        answer = self.program.post("/v1/sessions", {"session_name": name})
        assert answer.status_code == 201, answer.text
        session_id: str = answer.json()["session"]["id"]
        return session_id

    def status_of(self, session_id: str) -> str:
        """Return the session's status."""
        status: str = self.program.get(f"/v1/sessions/{session_id}").json()["session"]["status"]
        return status

    def scan(self, session_id: str, *, contacts: int = 25) -> None:
        """Have the sandbox's phone scan the code, as soon as there is one."""
        path = f"/v1/sandbox/sessions/{session_id}/scan"
        eventually(
            "the session waits for a scan", lambda: self.status_of(session_id) == "PAIRING"
        )
        answer = self.program.post(path, {"contacts": contacts})
        assert answer.status_code == 202, answer.text

    def connected_session(self, name: str = "shop", *, contacts: int = 25) -> str:
        """Create a session, scan its code, and return its id once it is connected."""
        session_id = self.create_session(name)
        self.scan(session_id, contacts=contacts)
        eventually("connected", lambda: self.status_of(session_id) == "CONNECTED")
        return session_id

    def pages(self, path: str, member: str, **query: Any) -> list[Json]:
        """Return all rows of a list, page by page."""
        rows: list[Json] = []
        cursor: Json = {}
        while True:
            body = self.program.get(path, limit=200, **query, **cursor).json()
            rows += body[member]
            if body["next_cursor"] is None:
                return rows
            cursor = {"cursor": body["next_cursor"]}

    def close(self) -> None:
        """Give the connections back."""
        self.person.close()
        self.program.close()


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
