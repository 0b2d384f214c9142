"""Who may do what: every scope, and which role has it. Plain: no rows.

This is the one table of permissions. The API, the sockets, the console and the page
`/docs/permissions` read it; a credential never carries a scope that is not in it.
"""

from django.db.models import TextChoices


class Role(TextChoices):
    """What a member is to its tenant."""

    OWNER = "OWNER", "Owner"
    ADMIN = "ADMIN", "Admin"
    DEVELOPER = "DEVELOPER", "Developer"
    BILLING = "BILLING", "Billing"
    VIEWER = "VIEWER", "Viewer"


SCOPES: dict[str, str] = {
    "account:read": "See one's own person, workspaces and logins",
    "account:write": "Change one's own password, factors and logins",
    "tenant:read": "See the workspace: its plan, limits and usage",
    "tenant:write": "Rename the workspace and export its data",
    "tenant:delete": "Delete the workspace",
    "members:read": "See members and invitations",
    "members:write": "Invite and remove members, change roles",
    "keys:read": "See API keys, never their secrets",
    "keys:write": "Make, rotate and revoke API keys",
    "sessions:read": "See sessions, their QR code and history",
    "sessions:write": "Create, change, start, stop and delete sessions",
    "messages:read": "Read messages",
    "messages:write": "Send messages",
    "contacts:read": "Read contacts",
    "contacts:write": "Fetch contacts again",
    "billing:read": "See payments and balances",
    "billing:write": "Spend money: turn the API on and off",
    "audit:read": "Read the audit log",
}

# Every member has these: they are about the person, not the workspace.
_OWN = frozenset({"account:read", "account:write", "tenant:read"})
_LOOK = frozenset({"sessions:read", "messages:read", "contacts:read", "members:read"})
_OPERATE = frozenset({"sessions:write", "messages:write", "contacts:write"})
_KEYS = frozenset({"keys:read", "keys:write"})
_MONEY = frozenset({"billing:read", "billing:write"})

GRANTS: dict[Role, frozenset[str]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.ADMIN: frozenset(SCOPES) - {"tenant:delete", "billing:write"},
    Role.DEVELOPER: _OWN | _LOOK | _OPERATE | _KEYS,
    Role.BILLING: _OWN | _MONEY | {"members:read"},
    Role.VIEWER: _OWN | _LOOK,
}

# What an API key may carry. Programs manage no people, no money and no other keys.
KEY_SCOPES = frozenset(
    {"account:read", "tenant:read", "audit:read", "contacts:read", "contacts:write"}
) | {"sessions:read", "sessions:write", "messages:read", "messages:write"}

# What is left to the people of a suspended tenant, and to those whose address is not verified.
READ_ONLY = frozenset(scope for scope in SCOPES if scope.endswith(":read")) | {"account:write"}

# What may also be done while a workspace waits to be deleted: take its data, and keep it.
ENDING = READ_ONLY | {"tenant:write", "tenant:delete"}
