"""How much is taken, and who has limits of its own."""

from django.contrib import admin

from orsta.core.admin import ReadOnlyAdmin, column
from subscriptions.models import EntitlementOverride, QuotaUsage


@admin.register(QuotaUsage)
class QuotaUsageAdmin(ReadOnlyAdmin):
    """How much of each feature is taken, per period."""

    list_display = ["tenant_name", "feature", "period_starts_at", "used", "warned"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["feature", "warned"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__public_id", "tenant__name"]
    ordering = ["-used"]


@admin.register(EntitlementOverride)
class EntitlementOverrideAdmin(ReadOnlyAdmin):
    """Limits of single tenants; a subscription's page changes them."""

    list_display = ["tenant_name", "feature", "limit", "expires_at", "reason", "created_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["feature", "expires_at"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
