"""Who is calling, as every view, consumer and task sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import Tenant, User

ALL_SCOPES = frozenset({"*"})


class PrincipalKind(StrEnum):
    """What the caller proved itself with."""

    LOGIN = "login"
    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller and the tenant it acts for.

    :param credential_id: public id of the login session or key; closing it ends the principal.
    :param user: the person; for an API key the one who made it.
    """

    kind: PrincipalKind
    credential_id: str
    tenant: Tenant
    user: User | None
    scopes: frozenset[str] = field(default=ALL_SCOPES)

    def allows(self, scope: str) -> bool:
        """Say whether the credential carries `scope` ("resource:action")."""
        return "*" in self.scopes or scope in self.scopes

    @property
    def is_authenticated(self) -> bool:
        """Say yes: there is no anonymous principal (DRF asks)."""
        return True


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An authenticated sibling service, on `/internal` only; it acts for no tenant.

    :param source: the service it speaks for; "" for every one.
    """

    credential_id: str
    source: str

    @property
    def is_authenticated(self) -> bool:
        """Say yes, as `Principal` does."""
        return True
