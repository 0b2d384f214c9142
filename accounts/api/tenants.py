"""`/v1/tenant`: the workspace of the caller."""

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import tenant_serializers as serializers
from accounts.api.base import PersonAPIView, TenantAPIView
from accounts.models import Tenant
from accounts.services import deletion, tenants
from orsta.core.api.addresses import client_address
from orsta.core.api.schema import IDEMPOTENCY

TAGS = ["Workspace"]


class TenantDetail(TenantAPIView):
    """The workspace itself."""

    required_scope: ClassVar = {"GET": "tenant:read", "PATCH": "tenant:write"}

    @extend_schema(
        operation_id="tenant_get",
        tags=TAGS,
        summary="Get the workspace",
        responses=serializers.TenantEnvelope,
    )
    def get(self, request: Request) -> Response:
        """Return the workspace."""
        return _show(self.tenant)

    @extend_schema(
        operation_id="tenant_update",
        tags=TAGS,
        summary="Change the workspace",
        request=serializers.TenantInput,
        responses=serializers.TenantEnvelope,
    )
    def patch(self, request: Request) -> Response:
        """Give it another name or country."""
        form = serializers.TenantInput(data=request.data)
        form.is_valid(raise_exception=True)
        actor = self.principal.actor
        changed = tenants.update(
            tenant=self.tenant, actor=actor, now=timezone.now(), **form.validated_data
        )
        return _show(changed)


class Deletion(PersonAPIView):
    """The end of the workspace, in two steps."""

    required_scope: ClassVar = {"POST": "tenant:delete", "DELETE": "tenant:delete"}

    @extend_schema(
        operation_id="tenant_deletion_schedule",
        tags=TAGS,
        summary="Delete the workspace",
        description="Its keys and sessions stop at once; after 14 days everything it has is "
        "removed for good. Until then the deletion can be cancelled.",
        parameters=[IDEMPOTENCY],
        request=serializers.DeletionInput,
        responses={202: serializers.TenantEnvelope},
    )
    def post(self, request: Request) -> Response:
        """Stop the workspace and have it purged after the grace."""
        form = serializers.DeletionInput(data=request.data)
        form.is_valid(raise_exception=True)
        return self.once(request, lambda: self._schedule(request, **form.validated_data))

    @extend_schema(
        operation_id="tenant_deletion_cancel",
        tags=TAGS,
        summary="Keep the workspace",
        responses=serializers.TenantEnvelope,
    )
    def delete(self, request: Request) -> Response:
        """Cancel the deletion."""
        actor = self.person.public_id
        kept = tenants.cancel_deletion(tenant=self.tenant, actor=actor, now=timezone.now())
        return _show(kept)

    def _schedule(self, request: Request, *, password: str, confirm: str) -> Response:
        ending = deletion.request(
            tenant=self.tenant,
            by=self.person,
            password=password,
            confirm=confirm,
            ip=client_address(request),
            now=timezone.now(),
        )
        return _show(ending, status.HTTP_202_ACCEPTED)


def _show(tenant: Tenant, code: int = status.HTTP_200_OK) -> Response:
    return Response({"tenant": serializers.TenantOutput(tenant).data}, code)
