"""The audit log: looked through, checked, taken away as a file."""

import csv
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import FieldTextFilter, RangeDateTimeFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.admin.staff import actor_of
from accounts.models import AuditEntry, Tenant
from accounts.selectors import trail
from accounts.services import audit
from orsta.core.admin import ReadOnlyAdmin, json_display
from orsta.core.admin_dialogs import dialog

_COLUMNS = ["chain", "seq", "at", "action", "actor", "target", "ip", "user_agent", "reason"]
_VALUES = ["before", "after", "detail", "digest"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so
_CHUNK = 1_000


class EntriesForm(forms.Form):
    """Which entries, and as what."""

    kind = forms.ChoiceField(
        label="Format",
        choices=[("csv", "CSV"), ("jsonl", "JSON Lines")],
        widget=UnfoldAdminSelectWidget,
    )
    tenant = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="A tenant's id; empty: of all.",
    )
    action = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whole, or what it begins with: api_key.",
    )
    since = forms.DateTimeField(required=False, widget=UnfoldAdminDateWidget)
    until = forms.DateTimeField(required=False, widget=UnfoldAdminDateWidget)


class ExportForm(EntriesForm, BaseDialogForm):
    """The same, in a dialog."""


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, newest first; nobody can change it."""

    list_display = ["at", "action", "actor", "target", "ip", "reason"]
    list_filter = [
        ("action", FieldTextFilter),
        ("actor", FieldTextFilter),
        ("target", FieldTextFilter),
        ("at", RangeDateTimeFilter),
    ]
    list_select_related = ["tenant"]
    search_fields = ["action", "actor", "target", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = ["before", "after", "detail"]
    readonly_fields = ["shown_before", "shown_after", "shown_detail"]
    shown_before = json_display("before")
    shown_after = json_display("after")
    shown_detail = json_display("detail")
    actions_list = ["export"]

    @action(
        description="Export",
        permissions=["view"],
        dialog=dialog(
            "Export the audit log?",
            "As a file, oldest first. That it was taken is an entry too.",
            "Export",
            ExportForm,
        ),
    )
    def export(self, request: HttpRequest, form: ExportForm) -> HttpResponse:
        """Send the browser to the file: a dialog cannot receive one."""
        given = {name: value for name, value in form.cleaned_data.items() if value}
        url = reverse("admin:accounts_auditentry_file")
        return HttpResponse(headers={"HX-Redirect": f"{url}?{urlencode(given)}"})

    def get_urls(self) -> list[URLPattern]:
        """Add the file."""
        view = self.admin_site.admin_view(self.file)
        own = [path("file", view, name="accounts_auditentry_file")]
        return [*own, *super().get_urls()]

    def file(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Stream the entries that the query asks for."""
        form = EntriesForm(request.GET)
        if not self.has_view_permission(request) or not form.is_valid():
            raise PermissionDenied
        asked = dict(form.cleaned_data)
        kind, tenant_id = asked.pop("kind"), asked.pop("tenant")
        tenant = Tenant.objects.filter(public_id=tenant_id).first() if tenant_id else None
        if tenant_id and tenant is None:
            raise PermissionDenied
        actor, now = actor_of(request).public_id, timezone.now()
        audit.record(action="audit_log.exported", actor=actor, now=now, tenant=tenant)
        lines = _LINES[kind](trail.entries(tenant=tenant, **asked).order_by("pk"))
        response = StreamingHttpResponse(lines, content_type=_TYPES[kind])
        name = f"audit-{now:%Y-%m-%d}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class _Echo:
    """A file that hands back what is written to it: csv has no other way to make lines."""

    def write(self, text: str) -> str:
        return text


def _csv(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS + _VALUES)
    for row in _rows(entries):
        yield writer.writerow([_cell(value) for value in row.values()])


def _jsonl(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    for row in _rows(entries):
        yield json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n"


def _rows(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    yield from entries.values(*_COLUMNS, *_VALUES).iterator(chunk_size=_CHUNK)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


_LINES = {"csv": _csv, "jsonl": _jsonl}
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
