"""Rows of the accounts app."""

from accounts.models.audit import AuditChain, AuditEntry
from accounts.models.credentials import (
    ApiKey,
    ApiKeyState,
    EmailProof,
    Invitation,
    LinkPurpose,
    LoginSession,
    RefreshToken,
    ServiceKey,
)
from accounts.models.exports import ExportStatus, TenantExport
from accounts.models.factors import (
    Ceremony,
    CeremonyKind,
    Passkey,
    PendingLogin,
    RecoveryCode,
    TotpDevice,
)
from accounts.models.identity import Membership, Tenant, TenantStatus, User
from accounts.models.mail import Mail, MailStatus
from accounts.roles import Role

__all__ = [
    "ApiKey",
    "ApiKeyState",
    "AuditChain",
    "AuditEntry",
    "Ceremony",
    "CeremonyKind",
    "EmailProof",
    "ExportStatus",
    "Invitation",
    "LinkPurpose",
    "LoginSession",
    "Mail",
    "MailStatus",
    "Membership",
    "Passkey",
    "PendingLogin",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "ServiceKey",
    "Tenant",
    "TenantExport",
    "TenantStatus",
    "TotpDevice",
    "User",
]
