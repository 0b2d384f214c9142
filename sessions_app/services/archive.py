"""What a tenant's archive says of its sessions."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Tenant
from sessions_app import selectors
from sessions_app.models import SessionTransition

_SESSION = (
    "public_id",
    "name",
    "engine",
    "webhook_url",
    "events",
    "expiration_seconds",
    "auto_connect",
    "auto_read_enabled",
    "typing_enabled",
    "history_limit",
    "desired",
    "hold",
    "status",
    "reason",
    "reason_code",
    "jid",
    "push_name",
    "messages_sent",
    "messages_failed",
    "created_at",
    "updated_at",
)


def sessions(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield the tenant's sessions."""
    yield from selectors.sessions_of(tenant).order_by("pk").values(*_SESSION).iterator()


def count_sessions(tenant: Tenant) -> int:
    """Return how many there are."""
    return selectors.sessions_of(tenant).count()


def transitions(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield what happened to them, session by session."""
    steps = SessionTransition.objects.filter(session__in=selectors.sessions_of(tenant))
    columns = ("session__public_id", "old", "new", "reason", "reason_code", "at")
    yield from steps.order_by("session", "pk").values(*columns).iterator()
