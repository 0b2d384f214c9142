"""The audit log."""

from django.contrib import admin

from accounts.models import AuditEntry
from orsta.core.admin import ReadOnlyAdmin, json_display


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, newest first; nobody can change it."""

    list_display = ["at", "action", "actor", "target", "ip"]
    list_filter = ["at"]
    list_select_related = ["tenant"]
    search_fields = ["action", "actor", "target", "tenant__public_id", "tenant__name"]
    ordering = ["-at"]
    exclude = ["detail"]
    readonly_fields = ["shown_detail"]
    shown_detail = json_display("detail")
