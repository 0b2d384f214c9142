"""Sibling services that call `/internal`."""

import json
from typing import Any

from django.test import Client

from accounts.tests.factories import make_service_key

FUTURE = "2099-01-01T00:00:00Z"
USERS = "/internal/users"


class Service:
    """A service with a key of its own; "" speaks for every one."""

    def __init__(self, source: str = "app") -> None:
        self.source = source
        self.key = make_service_key(source)
        self.client = Client(headers={"x-internal-api-key": self.key.text})

    def get(self, path: str = USERS, **query: Any) -> Any:
        return self.client.get(path, query)

    def post(self, path: str = USERS, body: Any = None, **headers: str) -> Any:
        return self._send("POST", path, body, headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self._send("PUT", path, body, {})

    def delete(self, path: str) -> Any:
        return self.client.delete(path)

    def bring(self, user_id: str = "usr_1", **fields: Any) -> Any:
        """Make or renew a user; returns the answer."""
        return self.post(body=contract(user_id, source=self.source or "app") | fields)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        return self.client.generic(
            method,
            path,
            body if isinstance(body, str) else json_of(body),
            content_type="application/json",
            headers=headers,
        )


def contract(user_id: str = "usr_1", **fields: Any) -> dict[str, Any]:
    """Return the body that makes a user."""
    return {"user_id": user_id, "expires_at": FUTURE, "max_sessions": 5} | fields


def json_of(body: Any) -> str:
    return json.dumps({} if body is None else body)


def key_opens(text: str) -> int:
    """Return the status that a customer's key gets."""
    return Client(headers={"x-api-key": text}).get("/v1/sessions").status_code


def send(service: Service, *rows: Any, accept: str = "*/*", **headers: str) -> Any:
    """Send rows of a bulk, each as it is or as JSON; return the response."""
    lines = [row if isinstance(row, str) else json_of(row) for row in rows]
    return service.client.generic(
        "POST",
        f"{USERS}/bulk",
        "\n".join(lines),
        content_type="application/x-ndjson",
        headers={"Accept": accept, **headers},
    )


def lines(response: Any) -> list[Any]:
    """Return the answers of a bulk, one per row."""
    return [json.loads(line) for line in response.content.splitlines()]
