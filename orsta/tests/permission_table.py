"""Who may call what: every operation of the service, and how to call it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from orsta.tests.world import World
from sessions_app.states import SessionStatus

S = SessionStatus
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SESSION = "v1/sessions/<str:session_id>"
SANDBOX = "v1/sandbox/sessions/<str:session_id>"
BAD = (
    "wrong key",
    "garbage",
    "inactive key",
    "revoked key",
    "service key as key",
    "logged out",
    "nobody",
)
PEOPLE = ("owner", "member")
TENANT = (*PEOPLE, "key")
STRANGERS = ("stranger", "stranger's key")


@dataclass(frozen=True)
class Row:
    """One operation. `kind` says who may: public, tenant, person, service or page."""

    kind: str
    method: str
    route: str
    ok: int = 200
    body: dict[str, Any] | None = None
    status: str = S.CONNECTED  # of the session it is called for
    paid: bool = True
    form: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def has_id(self) -> bool:
        return "session_id" in self.route

    def path(self, world: World, session_id: str | None = None) -> str:
        filled = self.route.replace("<str:session_id>", session_id or world.session.public_id)
        return "/" + filled.replace("<str:message_id>", world.message_id)


SEND = {"to": "+15550100123", "text": "hi"}
SIGN_UP = {"username": "dora", "email": "dora@example.com", "password": "correct horse 1"}
TABLE = [
    Row("public", "GET", ""),
    Row("public", "GET", "favicon.ico", 301),
    Row("public", "GET", "health"),
    Row("public", "GET", "readyz", 503),  # no runner lives here
    Row("public", "GET", "metrics"),
    Row("public", "GET", "schema"),
    Row("public", "GET", "docs"),
    Row("public", "GET", "docs/errors"),
    Row("public", "POST", "auth/signup", 201, SIGN_UP),
    Row("public", "POST", "auth/login", 401, {"email": "x@example.com", "password": "x"}),
    Row("public", "POST", "auth/logout", 200, {}),
    Row("tenant", "GET", "auth/me"),
    Row("service", "GET", "internal/me"),
    Row("person", "POST", "billing/enable-api-key", 200, {}, paid=False),
    Row("person", "POST", "billing/disable-api-key", 200, {}),
    Row("person", "GET", "billing/api-key-status"),
    Row("person", "GET", "billing/summary"),
    Row("tenant", "GET", "v1/sessions"),
    Row("tenant", "POST", "v1/sessions", 201, {"session_name": "new"}),
    Row("tenant", "GET", SESSION),
    Row("tenant", "PUT", SESSION, 200, {"session_name": "renamed"}),
    Row("tenant", "DELETE", SESSION),
    Row("tenant", "POST", f"{SESSION}/start", 202, {}, S.STOPPED),
    Row("tenant", "POST", f"{SESSION}/stop", 202, {}),
    Row("tenant", "POST", f"{SESSION}/reconnect", 202, {}),
    Row("tenant", "GET", f"{SESSION}/qr", status=S.PAIRING),
    Row("tenant", "GET", f"{SESSION}/transitions"),
    Row("tenant", "GET", f"{SESSION}/messages"),
    Row("tenant", "POST", f"{SESSION}/messages", 202, SEND),
    Row("tenant", "GET", f"{SESSION}/messages/<str:message_id>"),
    Row("tenant", "GET", f"{SESSION}/contacts"),
    Row("tenant", "GET", f"{SESSION}/contacts/sync"),
    Row("tenant", "POST", f"{SESSION}/contacts/sync", 202, {}),
    Row("tenant", "POST", f"{SANDBOX}/scan", 202, {}, S.PAIRING),
    Row("tenant", "POST", f"{SANDBOX}/inbound", 202, {"from": "+15550100123", "text": "hi"}),
    Row("tenant", "POST", f"{SANDBOX}/fault", 202, {"kind": "drop"}),
    Row("public", "GET", "console", 302),
    Row("public", "GET", "console/", 302),
    Row("public", "GET", "console/signup"),
    Row("public", "POST", "console/signup", 400, {"username": "d"}, form=True),
    Row("public", "GET", "console/login"),
    Row("public", "POST", "console/login", 400, {"email": "d"}, form=True),
    Row("public", "POST", "console/logout", 302, {}, form=True),
    Row("page", "POST", "console/key/rotate", 200, {}, form=True),
    Row("page", "GET", "console/billing"),
    Row("page", "POST", "console/billing/enable", 302, {"idempotency_key": "k"}, form=True),
    Row("page", "POST", "console/billing/disable", 302, {}, form=True),
    Row("page", "GET", "console/sessions"),
    Row("page", "GET", "console/sessions/new"),
    Row("page", "POST", "console/sessions/new", 302, {"session_name": "new"}, form=True),
    Row("page", "GET", "console/sessions/<str:session_id>"),
    Row("tenant", "GET", "console/sessions/<str:session_id>/chats"),
]


def rows(*kinds: str, with_id: bool | None = None, writes: bool = False) -> Any:
    """Parametrize over rows of the table; `writes` leaves out those that only read."""
    chosen = [
        row
        for row in TABLE
        if row.kind in kinds
        and (with_id is None or row.has_id == with_id)
        and not (writes and row.method == "GET")
    ]
    return pytest.mark.parametrize("row", chosen, ids=str)


def callers(*names: str) -> Any:
    """Parametrize over callers."""
    return pytest.mark.parametrize("caller", names)


def call(row: Row, world: World, caller: str, session_id: str | None = None) -> Any:
    """Send the row's request as the caller would."""
    client = world.client(caller, browser=row.kind == "page" or row.form)
    options: dict[str, Any] = {}
    if row.body is not None:
        options = {"data": row.body, "content_type": "application/json"}
    if row.form:
        options = {"data": row.body}
    return getattr(client, row.method.lower())(row.path(world, session_id), **options)


def without_trace(response: Any) -> Any:
    body = response.json()
    assert body.pop("trace_id")
    return body
