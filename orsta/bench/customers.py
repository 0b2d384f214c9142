"""Customers to measure with: signed up, paid, their sessions connected."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

_PATIENCE_SECONDS = 600
_PAUSE_SECONDS = 0.05


def wait_until(
    what: str, condition: Callable[[], Any], *, pause: float = _PAUSE_SECONDS
) -> Any:
    """Return the first true answer.

    :raises TimeoutError: it did not come about.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"Not in {_PATIENCE_SECONDS} s: {what}.")
        time.sleep(pause)
    return found


@dataclass(frozen=True)
class Customer:
    """One tenant with an active API key."""

    url: str
    api_key: str = field(repr=False)
    client: httpx.Client = field(repr=False)

    @classmethod
    def sign_up(cls, url: str) -> "Customer":
        """Make one, on the starter plan of the sandbox."""
        name = f"bench-{secrets.token_hex(8)}"
        client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        signed_up = client.post(
            "/auth/signup",
            json={
                "username": name,
                "email": f"{name}@example.com",
                "password": secrets.token_urlsafe(18),
            },
        ).raise_for_status()
        client.cookies.clear()
        bearer = {"authorization": f"Bearer {signed_up.json()['token']}"}
        client.post("/billing/enable-api-key", headers=bearer).raise_for_status()
        api_key = signed_up.json()["eakey"]
        client.headers["x-api-key"] = api_key
        return cls(url, api_key, client)

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request."""
        return {"x-api-key": self.api_key}

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST and return the JSON answer."""
        return self.client.post(path, json=body).raise_for_status().json()

    def get(self, path: str) -> Any:
        """GET and return the JSON answer."""
        return self.client.get(path).raise_for_status().json()

    def status_of(self, session_id: str) -> str:
        """Return the session's status."""
        status: str = self.get(f"/v1/sessions/{session_id}")["session"]["status"]
        return status

    def connect(self, *, contacts: int = 0) -> str:
        """Create a session, scan its code, and return its id when it is connected."""
        created = self.post("/v1/sessions", {"session_name": "bench", "engine": "sandbox"})
        session_id: str = created["session"]["id"]
        wait_until("a code to scan", lambda: self.status_of(session_id) == "PAIRING")
        self.post(f"/v1/sandbox/sessions/{session_id}/scan", {"contacts": contacts})
        wait_until("a connection", lambda: self.status_of(session_id) == "CONNECTED")
        return session_id

    def settle(self) -> None:
        """Wait until nobody's commands wait any more, and the events went out."""

        def idle() -> bool:
            metrics = self.client.get("/metrics").text.splitlines()
            ready = self.client.get("/readyz").json()["checks"]["outbox"]["detail"]
            return "orsta_commands_queued 0.0" in metrics and ready.startswith("0 waiting")

        wait_until("an empty queue", idle, pause=0.2)
