"""Rows of the accounts app."""

from accounts.models.audit import AuditEntry
from accounts.models.credentials import ApiKey, ApiKeyStatus, LoginSession, ServiceKey
from accounts.models.identity import Membership, Role, Tenant, User

__all__ = [
    "ApiKey",
    "ApiKeyStatus",
    "AuditEntry",
    "LoginSession",
    "Membership",
    "Role",
    "ServiceKey",
    "Tenant",
    "User",
]
