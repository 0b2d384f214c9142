"""Who is calling, as every view, consumer and task sees it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import Tenant, User


class PrincipalKind(StrEnum):
    """What the caller proved itself with."""

    LOGIN = "login"
    API_KEY = "api_key"


class Restriction(StrEnum):
    """Why a principal has less than its role or key gives."""

    NONE = ""
    UNVERIFIED = "unverified"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller and the tenant it acts for.

    :param credential_id: public id of the login session or key; closing it ends the principal.
    :param user: the person; for an API key the one who made it.
    :param scopes: what it may do; `accounts.roles.SCOPES` has all of them.
    :param role: of the person in the tenant; "" for an API key.
    :param session_ids: the only sessions it may touch; None is every one of the tenant.
    :param networks: CIDR blocks it may call from; none is anywhere.
    :param restriction: why `scopes` is less than it would be.
    """

    kind: PrincipalKind
    credential_id: str
    tenant: Tenant
    user: User | None
    scopes: frozenset[str]
    role: str = ""
    session_ids: frozenset[str] | None = None
    networks: Sequence[str] = ()
    restriction: Restriction = Restriction.NONE

    @property
    def actor(self) -> str:
        """Return the public id that the audit log names: of the person, or of the key."""
        if self.kind == PrincipalKind.LOGIN and self.user is not None:
            return self.user.public_id
        return self.credential_id

    def allows(self, scope: str) -> bool:
        """Say whether the credential carries `scope` ("resource:action")."""
        return scope in self.scopes

    def may_touch(self, session_id: str) -> bool:
        """Say whether the session with this public id is in reach."""
        return self.session_ids is None or session_id in self.session_ids

    def may_call_from(self, address: str | None) -> bool:
        """Say whether the credential works from this address; an unknown one is outside."""
        if not self.networks:
            return True
        if address is None:
            return False
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(block) for block in self.networks)

    def has_powers_of(self, other: Principal) -> bool:
        """Say whether the same credential gives what it gave when it became `other`."""
        return self._powers == other._powers

    @property
    def _powers(self) -> tuple[object, ...]:
        return (self.tenant.pk, self.scopes, self.role, self.session_ids, self.networks)

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
