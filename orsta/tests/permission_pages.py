"""Who may see what: every page of the console; see `permission_row` for how it reads."""

from typing import Any

from accounts.tests.factories import PASSWORD
from orsta.tests.permission_row import Row

KEY = "keys/<str:key_id>"
NEW_KEY = {"name": "new", "scopes": ["messages:read"]}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "correct horse 2"}
INVITATION = {"email": "erin@example.com", "role": "VIEWER"}
KNOWN = {"owner": 400, "stranger": 400}  # others are sent to the login first


def _form(
    route: str, body: dict[str, Any] | None = None, *, ok: int = 302, **options: Any
) -> Row:
    """Return the row of a page's form."""
    return Row("page", "POST", route, ok, body or {}, form=True, **options)


PAGES = [
    Row("public", "GET", "console", 302),
    Row("public", "GET", "console/", 302),
    Row("public", "GET", "console/signup"),
    Row("public", "POST", "console/signup", 400, {"username": "d"}, form=True),
    Row("public", "GET", "console/login"),
    Row("public", "POST", "console/login", 400, {"email": "d"}, form=True),
    Row("public", "POST", "console/logout", 302, {}, form=True),
    Row("page", "GET", "console/keys", needs="keys:read"),
    Row("page", "GET", "console/keys/new", needs="keys:write"),
    _form("console/keys/new", NEW_KEY, ok=200, needs="keys:write"),
    Row("page", "GET", f"console/{KEY}", needs="keys:read"),
    _form(f"console/{KEY}", NEW_KEY, needs="keys:write"),
    _form(f"console/{KEY}/rotate", {"overlap_hours": "1"}, ok=200, needs="keys:write"),
    _form(f"console/{KEY}/revoke", needs="keys:write"),
    Row("page", "GET", "console/billing", needs="billing:read"),
    _form("console/billing/enable", {"idempotency_key": "k"}, needs="billing:write"),
    _form("console/billing/disable", needs="billing:write"),
    Row("page", "GET", "console/sessions", needs="sessions:read"),
    Row("page", "GET", "console/sessions/new", needs="sessions:write"),
    _form("console/sessions/new", {"session_name": "new"}, needs="sessions:write"),
    Row("page", "GET", "console/sessions/<str:session_id>", needs="sessions:read"),
    Row("page", "GET", "console/sessions/<str:session_id>/settings", needs="sessions:read"),
    _form(
        "console/sessions/<str:session_id>/settings",
        {"session_name": "renamed"},
        needs="sessions:write",
    ),
    Row("tenant", "GET", "console/sessions/<str:session_id>/chats"),
    Row("public", "POST", "console/login/second-factor", 400, {}, form=True),
    Row("public", "GET", "console/verify", 200),
    Row("public", "POST", "console/verify", 400, {}, form=True),
    Row("public", "POST", "console/verify/resend", 400, {}, form=True),
    Row("public", "GET", "console/forgot", 200),
    Row("public", "POST", "console/forgot", 400, {}, form=True),
    Row("public", "GET", "console/reset", 200),
    Row("public", "POST", "console/reset", 400, {}, form=True),
    Row("public", "GET", "console/invitation", 200),
    Row("public", "POST", "console/invitation/look", 400, {}, form=True),
    Row("public", "POST", "console/invitation/join", 400, {}, form=True),
    Row("public", "POST", "console/invitation/accept", 302, {}, form=True, but=KNOWN),
    Row("page", "GET", "console/settings"),
    _form("console/settings/password", NEW_PASSWORD),
    _form("console/settings/totp"),
    _form("console/settings/totp/confirm", {"code": "123456"}, ok=409),
    _form("console/settings/totp/off", {"password": PASSWORD}, ok=409),
    _form("console/settings/recovery-codes", {"password": PASSWORD}, ok=409),
    _form("console/settings/passkeys/<str:passkey_id>", own=True),
    _form("console/settings/logins/others"),
    _form("console/settings/logins/<str:login_id>", own=True),
    Row("page", "GET", "console/team", needs="members:read"),
    _form("console/team/invite", INVITATION, needs="members:write"),
    _form("console/team/leave", but={"owner": 409}),
    _form("console/team/invitations/<str:invitation_id>/resend", needs="members:write"),
    _form("console/team/invitations/<str:invitation_id>/withdraw", needs="members:write"),
    _form("console/team/<str:member_id>/role", {"role": "VIEWER"}, needs="members:write"),
    _form("console/team/<str:member_id>/remove", needs="members:write"),
    Row("page", "GET", "console/workspace", needs="tenant:read"),
    _form("console/workspace/country", {"default_country": "DE"}, needs="tenant:write"),
    _form("console/workspace/rename", {"name": "Acme & Co"}, needs="tenant:write"),
    _form("console/workspace/export", needs="tenant:write"),
    _form(
        "console/workspace/delete",
        {"password": PASSWORD, "confirm": "Acme"},
        needs="tenant:delete",
    ),
    _form("console/workspace/keep", ok=409, needs="tenant:delete"),
    _form("console/workspace/switch", {"tenant_id": "x"}, ok=404),
    Row("page", "GET", "console/audit", needs="audit:read"),
    Row("page", "GET", "console/usage", needs="tenant:read"),
]
