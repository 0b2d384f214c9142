"""Who may call what: every operation of the service; see `permission_row` for how it reads."""

from typing import Any

import pytest

from accounts.tests.factories import PASSWORD
from orsta.tests.permission_pages import KEY, PAGES
from orsta.tests.permission_row import SANDBOX, SESSION, Row, S
from orsta.tests.world import SOURCE, World

SEND = {"to": "+15550100123", "text": "hi"}
OUTCOME = {"choice": "sent"}
PHONE = {"phone": "+15550100123"}
PASSKEY = {"response": {"id": "x"}}
CODE = {"code": "12345678"}
SIGN_UP = {"username": "dora", "email": "dora@example.com", "password": "correct horse 1"}
OF_USER = "internal/users/<str:user_id>"
ONE = "sessions/<str:session_id>"
CONTRACT = {"source": SOURCE, "expires_at": "2040-01-01T00:00:00Z", "max_sessions": 3}
NEW_USER = {"user_id": "u2", **CONTRACT}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "correct horse 2"}
RESET = {"token": "x", "new_password": "correct horse 2"}
# Who sends a credential here is asked to send a good one.
NOBODY_KNOWN = {"logged out": 401, "wrong key": 401}
INVITATION = {"email": "erin@example.com", "role": "VIEWER"}
TABLE = [
    Row("public", "GET", ""),
    Row("public", "GET", "favicon.ico", 301),
    Row("public", "GET", "health"),
    Row("public", "GET", "readyz", 503),  # no runner lives here
    Row("public", "GET", "metrics"),
    Row("public", "GET", "schema"),
    Row("public", "GET", "docs"),
    Row("public", "GET", "docs/errors"),
    Row("public", "GET", "docs/permissions"),
    Row("public", "GET", "docs/runbook"),
    Row("public", "GET", "admin/second-factor", 302),
    Row("public", "POST", "admin/second-factor", 302, {}, form=True),
    Row("public", "POST", "hooks/engines/<str:gateway_id>", 404, {}),
    Row("public", "POST", "auth/signup", 201, SIGN_UP),
    Row("public", "POST", "auth/login", 401, {"email": "x@example.com", "password": "x"}),
    Row("public", "POST", "auth/logout", 200, {}),
    Row("public", "POST", "auth/login/second-factor", 401, {"pending": "x", "code": "123456"}),
    Row("public", "POST", "auth/refresh", 401, {}),
    Row("public", "POST", "auth/verify", 400, {"email": "x@example.com", "code": "123456"}),
    Row("public", "POST", "auth/resend-verification", 400, {}),
    Row("public", "POST", "auth/password-reset", 400, {}),
    Row("public", "POST", "auth/password-reset/confirm", 400, RESET),
    Row("public", "POST", "auth/passkeys/login", 401, {"credential": {"id": "x"}}),
    Row("public", "POST", "auth/passkeys/login/options", 200, {}),
    Row("public", "POST", "auth/passkeys/signup-options", 200, SIGN_UP),
    Row("public", "POST", "auth/invitations/accept", 404, {"token": "x"}, but=NOBODY_KNOWN),
    Row("tenant", "GET", "auth/me"),
    Row("person", "POST", "auth/logout-all", 200, {}),
    Row("person", "POST", "auth/password-change", 200, NEW_PASSWORD),
    Row("person", "GET", "auth/sessions"),
    Row("person", "DELETE", "auth/sessions/<str:login_id>", 204, own=True),
    Row("person", "POST", "auth/switch-tenant", 404, {"tenant_id": "x"}),
    Row("person", "POST", "auth/totp", 201, {}),
    Row("person", "DELETE", "auth/totp", 409, {"password": PASSWORD}),
    Row("person", "POST", "auth/totp/confirm", 409, {"code": "123456"}),
    Row("person", "POST", "auth/recovery-codes", 409, {"password": PASSWORD}),
    Row("person", "GET", "auth/passkeys"),
    Row("person", "POST", "auth/passkeys", 400, {"name": "x", "credential": {"id": "x"}}),
    Row("person", "POST", "auth/passkeys/options", 200, {}),
    Row("person", "DELETE", "auth/passkeys/<str:passkey_id>", 204, own=True),
    Row("service", "GET", "internal/me"),
    Row("service", "GET", "internal/users"),
    Row("service", "POST", "internal/users", 200, NEW_USER),
    Row("service", "POST", "internal/users/bulk", 415, {}),
    Row("service", "GET", OF_USER),
    Row("service", "PUT", OF_USER, 200, CONTRACT),
    Row("service", "DELETE", OF_USER, 202),
    Row("service", "GET", f"{OF_USER}/apikey"),
    Row("service", "POST", f"{OF_USER}/apikey/rotate", 200, {}),
    Row("service", "POST", f"{OF_USER}/suspend", 200, {"reason": "unpaid"}),
    Row("service", "POST", f"{OF_USER}/resume", 200, {}),
    Row("service", "GET", f"{OF_USER}/usage"),
    Row("service", "GET", f"{OF_USER}/sessions"),
    Row("service", "POST", f"{OF_USER}/sessions", 201, {"session_name": "new"}),
    Row("service", "GET", f"{OF_USER}/{ONE}"),
    Row("service", "DELETE", f"{OF_USER}/{ONE}"),
    Row("service", "POST", f"{OF_USER}/{ONE}/start", 202, {}, S.STOPPED),
    Row("service", "POST", f"{OF_USER}/{ONE}/stop", 202, {}),
    Row("service", "GET", f"{OF_USER}/{ONE}/qr", 409),
    Row("service", "POST", f"{OF_USER}/{ONE}/messages", 202, SEND),
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
    Row("tenant", "POST", f"{SESSION}/qr", 200, {"timeout": 1}, S.PAIRING),
    Row("tenant", "GET", f"{SESSION}/pairing-code", 409, status=S.PAIRING),
    Row("tenant", "POST", f"{SESSION}/pairing-code", 202, PHONE, S.PAIRING),
    Row("tenant", "GET", f"{SESSION}/passkey", 409, status=S.PAIRING),
    Row("tenant", "POST", f"{SESSION}/passkey", 202, PASSKEY, S.PASSKEY_REQUIRED),
    Row("tenant", "POST", f"{SESSION}/passkey/confirm", 202, CODE, S.PASSKEY_CONFIRMATION),
    Row("tenant", "POST", f"{SESSION}/logout", 202, {}),
    Row("tenant", "POST", f"{SESSION}/check-numbers", 202, {"numbers": ["+15550100123"]}),
    Row("tenant", "GET", f"{SESSION}/commands/<str:command_id>"),
    Row("tenant", "GET", "v1/engines"),
    Row("tenant", "GET", f"{SESSION}/transitions"),
    Row("tenant", "GET", f"{SESSION}/settings"),
    Row("tenant", "PUT", f"{SESSION}/settings", 200, {"typing_enabled": True}),
    Row("tenant", "GET", f"{SESSION}/messages"),
    Row("tenant", "POST", f"{SESSION}/messages", 202, SEND),
    Row("tenant", "GET", f"{SESSION}/messages/<str:message_id>"),
    Row("tenant", "POST", f"{SESSION}/messages/<str:message_id>/resolve", 200, OUTCOME),
    Row("tenant", "GET", f"{SESSION}/contacts"),
    Row("tenant", "GET", f"{SESSION}/contacts/<str:contact_id>"),
    Row("tenant", "GET", f"{SESSION}/contacts/sync"),
    Row("tenant", "POST", f"{SESSION}/contacts/sync", 202, {}),
    Row("tenant", "POST", f"{SANDBOX}/scan", 202, {}, S.PAIRING),
    Row("tenant", "POST", f"{SANDBOX}/inbound", 202, {"from": "+15550100123", "text": "hi"}),
    Row("tenant", "POST", f"{SANDBOX}/event", 202, {"kind": "image", "from": "+15550100123"}),
    Row("tenant", "POST", f"{SANDBOX}/fault", 202, {"kind": "drop"}),
    Row("person", "GET", "v1/api-keys"),
    Row("person", "POST", "v1/api-keys", 201, {"name": "new"}),
    Row("person", "GET", f"v1/api-{KEY}"),
    Row("person", "PATCH", f"v1/api-{KEY}", 200, {"name": "renamed"}),
    Row("person", "DELETE", f"v1/api-{KEY}"),
    Row("person", "POST", f"v1/api-{KEY}/rotate", 201, {}),
    Row("tenant", "GET", "v1/me"),
    Row("tenant", "GET", "v1/usage"),
    Row("tenant", "GET", "v1/plans"),
    Row("tenant", "GET", "v1/tenant"),
    Row("tenant", "PATCH", "v1/tenant", 200, {"name": "Acme & Co"}),
    Row(
        "person",
        "POST",
        "v1/tenant/deletion",
        202,
        {"password": PASSWORD, "confirm": "Acme"},
        but={"stranger": 422},
    ),
    Row("person", "DELETE", "v1/tenant/deletion", 409),
    Row("person", "POST", "v1/tenant/export", 202, {}),
    Row("person", "GET", "v1/tenant/exports"),
    Row("person", "GET", "v1/tenant/exports/<str:export_id>"),
    Row("person", "GET", "v1/tenant/exports/<str:export_id>/download", 409),
    Row("person", "GET", "v1/members"),
    Row("person", "POST", "v1/members/leave", 204, {}, but={"stranger": 409}),
    Row("person", "PATCH", "v1/members/<str:member_id>", 200, {"role": "VIEWER"}),
    Row("person", "DELETE", "v1/members/<str:member_id>", 204),
    Row("person", "GET", "v1/invitations"),
    Row("person", "POST", "v1/invitations", 201, INVITATION),
    Row("person", "DELETE", "v1/invitations/<str:invitation_id>", 204),
    Row("person", "POST", "v1/invitations/<str:invitation_id>/resend", 200, {}),
    Row("tenant", "GET", "v1/audit"),
    *PAGES,
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
