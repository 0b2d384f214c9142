"""What the customers' API views share."""

import ipaddress
from collections.abc import Callable
from typing import ClassVar, cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import authentication, permissions
from accounts.models import Tenant
from accounts.principal import Principal
from orsta.core.api import idempotency


class TenantAPIView(APIView):
    """A view for a tenant's programs and people.

    Subclasses say which scope each method needs; a method without one is refused.
    """

    authentication_classes = authentication.CUSTOMER
    permission_classes = [permissions.HasPrincipal, permissions.HasScope]
    required_scope: ClassVar[dict[str, str]] = {}

    @property
    def principal(self) -> Principal:
        """Return who is calling."""
        return cast("Principal", self.request.auth)

    @property
    def tenant(self) -> Tenant:
        """Return the tenant the caller acts for."""
        return self.principal.tenant

    def once(self, request: Request, effect: Callable[[], Response]) -> Response:
        """Run `effect`, or replay its answer to a request with the same `Idempotency-Key`."""
        return idempotency.run(request, tenant_id=self.tenant.pk, effect=effect)


class PublicAPIView(APIView):
    """A view that asks nobody who they are."""

    authentication_classes = []
    permission_classes = []


def client_address(request: HttpRequest) -> str | None:
    """Return the address of the peer, None when there is none (a Unix socket).

    Headers are not believed: whoever is asked to trust a proxy must name it first.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def user_agent(request: HttpRequest) -> str:
    """Return how the client calls itself."""
    return request.headers.get("User-Agent", "")
