"""What accounts put into a tenant's archive. No secret is a column of these."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet

from accounts import exports
from accounts.models import ApiKey, AuditEntry, Invitation, Membership, Tenant

_CHUNK = 1_000  # rows that the database hands over at a time


def register() -> None:
    """Have them in every archive."""
    for name, rows in {
        "workspace": _workspace,
        "members": _members,
        "invitations": _invitations,
        "api_keys": _api_keys,
        "audit_log": _audit_log,
    }.items():
        exports.register(name, _stream(rows), _count(rows))


def _stream(rows: Any) -> exports.Rows:
    def stream(tenant: Tenant) -> Iterable[dict[str, Any]]:
        found: QuerySet[Any, dict[str, Any]] = rows(tenant)
        for row in found.iterator(chunk_size=_CHUNK):
            # The same word as in the API; a column of that name is in the way before.
            yield {"id": row.pop("public_id"), **row} if "public_id" in row else row

    return stream


def _count(rows: Any) -> exports.Count:
    def count(tenant: Tenant) -> int:
        found: int = rows(tenant).count()
        return found

    return count


def _workspace(tenant: Tenant) -> QuerySet[Any, Any]:
    columns = ["name", "default_country", "status", "source", "external_id", "created_by"]
    return Tenant.objects.filter(pk=tenant.pk).values("public_id", *columns, "created_at")


def _members(tenant: Tenant) -> QuerySet[Any, Any]:
    return (
        Membership.objects.for_tenant(tenant)
        .order_by("pk")
        .values(
            "public_id",
            "role",
            "created_at",
            person=F("user__public_id"),
            username=F("user__username"),
            email=F("user__email"),
        )
    )


def _invitations(tenant: Tenant) -> QuerySet[Any, Any]:
    columns = ["email", "role", "created_at", "expires_at", "accepted_at", "revoked_at"]
    found = Invitation.objects.for_tenant(tenant).order_by("pk")
    return found.values("public_id", *columns)


def _api_keys(tenant: Tenant) -> QuerySet[Any, Any]:
    columns = ["name", "scopes", "session_ids", "networks", "created_at", "last_used_at"]
    ends = ["expires_at", "revoked_at"]
    found: QuerySet[Any, Any] = ApiKey.objects.for_tenant(tenant).order_by("pk")
    return found.values("public_id", *columns, *ends)


def _audit_log(tenant: Tenant) -> QuerySet[Any, Any]:
    columns = ["seq", "action", "actor", "target", "at", "ip", "user_agent", "reason"]
    values = ["before", "after", "detail", "digest"]
    entries = AuditEntry.objects.filter(tenant=tenant).order_by("pk")
    rows: QuerySet[Any, Any] = entries.values(*columns, *values)
    return rows
