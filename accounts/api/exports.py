"""`/v1/tenant/export`: archives of everything the workspace has."""

from typing import ClassVar

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import filters
from accounts.api import tenant_serializers as serializers
from accounts.api.base import PersonAPIView
from accounts.api.tenants import TAGS
from accounts.models import TenantExport
from accounts.selectors import archives
from accounts.services import exports
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY


class ExportView(PersonAPIView):
    """What the views of archives share: whoever may rename the workspace may take its data."""

    required_scope: ClassVar = {"GET": "tenant:write", "POST": "tenant:write"}


class ExportRequest(ExportView):
    """A new archive."""

    @extend_schema(
        operation_id="exports_create",
        tags=TAGS,
        summary="Export the workspace",
        description="A worker writes a ZIP of JSON Lines files, one per kind of row. Ask for "
        "its progress, then download it; it is kept for seven days.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.ExportEnvelope},
    )
    def post(self, request: Request) -> Response:
        """Have an archive written."""
        return self.once(request, self._request)

    def _request(self) -> Response:
        export = exports.request(tenant=self.tenant, by=self.person, now=timezone.now())
        return _show(export, status.HTTP_202_ACCEPTED)


class ExportList(ExportView):
    """Every archive that was asked for."""

    @extend_schema(
        operation_id="exports_list",
        tags=TAGS,
        summary="List exports",
        description="Newest first, in pages.",
        parameters=[filters.ExportFilter, *pagination.PARAMETERS],
        responses=serializers.ExportPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of archives."""
        found = filters.narrow(archives.exports_of(self.tenant), request, filters.ExportFilter)
        page = pagination.paginate(found, request)
        rows = serializers.ExportOutput(page.items, many=True).data
        return Response({"exports": rows, "next_cursor": page.next_cursor})


class ExportDetail(ExportView):
    """One archive."""

    @extend_schema(
        operation_id="exports_get",
        tags=TAGS,
        summary="Get an export's progress",
        responses=serializers.ExportEnvelope,
    )
    def get(self, request: Request, export_id: str) -> Response:
        """Return how far it is."""
        return _show(archives.export_of(self.tenant, export_id))


class ExportDownload(ExportView):
    """The archive itself."""

    @extend_schema(
        operation_id="exports_download",
        tags=TAGS,
        summary="Download an export",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, export_id: str) -> FileResponse:
        """Return the ZIP; who took it is in the audit log."""
        export = archives.export_of(self.tenant, export_id)
        file = exports.open_file(export=export, by=self.person, now=timezone.now())
        name = f"orsta-{self.tenant.public_id}-{export.created_at:%Y-%m-%d}.zip"
        response = FileResponse(file, as_attachment=True, filename=name)
        response["Cache-Control"] = "private, no-store"
        return response


def _show(export: TenantExport, code: int = status.HTTP_200_OK) -> Response:
    return Response({"export": serializers.ExportOutput(export).data}, code)
