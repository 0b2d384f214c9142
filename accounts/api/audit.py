"""`/v1/audit`: who did what in the workspace."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import tenant_serializers as serializers
from accounts.api.base import TenantAPIView
from accounts.selectors import trail
from orsta.core.api import pagination


class AuditLog(TenantAPIView):
    """The audit log."""

    required_scope: ClassVar = {"GET": "audit:read"}

    @extend_schema(
        operation_id="audit_list",
        tags=["Audit log"],
        summary="List the audit log",
        description="Newest first, in pages. Each entry is sealed onto the one before it, so "
        "an entry that was changed or removed shows.",
        parameters=[serializers.AuditFilters, *pagination.PARAMETERS],
        responses=serializers.AuditPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of entries."""
        filters = serializers.AuditFilters(data=request.query_params)
        filters.is_valid(raise_exception=True)
        entries = trail.entries(tenant=self.tenant, **filters.validated_data)
        page = pagination.paginate(entries, request)
        rows = serializers.AuditEntryOutput(page.items, many=True).data
        return Response({"entries": rows, "next_cursor": page.next_cursor})
