"""Every tenant-owned row is reached through its tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from accounts.models import Tenant


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of tenants; reads on behalf of one start with `for_tenant`."""

    def for_tenant(self, tenant: Tenant) -> Self:
        """Return only what belongs to `tenant`."""
        return self.filter(tenant=tenant)


class TenantOwnedModel(models.Model):
    """A row that belongs to exactly one tenant for its whole life."""

    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.CASCADE, related_name="+")

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
