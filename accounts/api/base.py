"""What the API views share, by who calls: a tenant, a sibling service, anybody."""

from collections.abc import Callable, Collection
from typing import ClassVar, cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authentication, permissions
from accounts.api import throttling
from accounts.models import Tenant, User
from accounts.principal import Principal, ServicePrincipal
from orsta.core import limits
from orsta.core.api import idempotency
from orsta.core.api.throttling import ThrottledView, by_address


class TenantAPIView(ThrottledView):
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

    def buckets(self, request: Request) -> list[limits.Bucket]:
        """Count by credential and tenant."""
        return throttling.buckets_of(request.auth, self.class_of(request))

    def once(
        self, request: Request, effect: Callable[[], Response], *, secrets: Collection[str] = ()
    ) -> Response:
        """Run `effect`, or replay its answer to a request with the same `Idempotency-Key`.

        :param secrets: members of the answer that a replay has empty.
        """
        scope = f"tenant:{self.tenant.pk}"
        return idempotency.run(request, scope=scope, effect=effect, secrets=secrets)


class PersonAPIView(TenantAPIView):
    """A view about the person who is logged in; programs are refused."""

    permission_classes = [permissions.HasPrincipal, permissions.IsPerson, permissions.HasScope]

    @property
    def person(self) -> User:
        """Return who is logged in."""
        user = self.principal.user
        assert user is not None, "IsPerson lets nobody else pass"  # noqa: S101
        return user


class ServiceAPIView(ThrottledView):
    """A view for sibling services; no customer's credential opens it."""

    authentication_classes = [authentication.ServiceKeyAuthentication]
    permission_classes = [permissions.HasPrincipal]

    @property
    def service(self) -> ServicePrincipal:
        """Return which service is calling."""
        return cast("ServicePrincipal", self.request.auth)

    def buckets(self, request: Request) -> list[limits.Bucket]:
        """Count by credential."""
        return throttling.buckets_of(request.auth, self.class_of(request))

    def once(
        self, request: Request, effect: Callable[[], Response], *, secrets: Collection[str] = ()
    ) -> Response:
        """Do what `TenantAPIView.once` does, with the keys of this service alone."""
        scope = f"service:{self.service.credential_id}"
        return idempotency.run(request, scope=scope, effect=effect, secrets=secrets)


class PublicAPIView(ThrottledView):
    """A view that asks nobody who they are."""

    authentication_classes = []
    permission_classes = []

    def buckets(self, request: Request) -> list[limits.Bucket]:
        """Count by address."""
        return [by_address("public_address", request)]


def user_agent(request: HttpRequest) -> str:
    """Return how the client calls itself."""
    return request.headers.get("User-Agent", "")
