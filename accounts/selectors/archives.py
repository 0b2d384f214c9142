"""The archives of a workspace."""

from django.db.models import QuerySet

from accounts.models import Tenant, TenantExport
from orsta.core import errors


class UnknownExport(errors.Missing):
    """There is no such archive in this workspace."""

    code = "export_not_found"


def exports_of(tenant: Tenant) -> QuerySet[TenantExport]:
    """Return every archive that was asked for."""
    return TenantExport.objects.for_tenant(tenant).select_related("tenant")


def export_of(tenant: Tenant, public_id: str) -> TenantExport:
    """Return one archive.

    :raises UnknownExport: it does not exist, or is another tenant's.
    """
    found: TenantExport | None = exports_of(tenant).filter(public_id=public_id).first()
    if found is None:
        raise UnknownExport("There is no such export.")
    return found
