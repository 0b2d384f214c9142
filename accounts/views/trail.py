"""`/console/audit`: who did what in the workspace."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from accounts import permissions
from accounts.forms import ConsoleForm
from accounts.selectors import trail
from accounts.views.pages import ConsoleRequest, page, show
from orsta.core.api import pagination

_DAY = forms.DateInput({"type": "date"})


class FilterForm(ConsoleForm):
    """What to look for; empty finds everything."""

    action = forms.CharField(required=False, max_length=60)
    actor = forms.CharField(required=False, max_length=64, label="By")
    since = forms.DateTimeField(required=False, label="From", widget=_DAY)
    until = forms.DateTimeField(required=False, label="Before", widget=_DAY)


@require_safe
@page
def audit_log(request: ConsoleRequest) -> HttpResponse:
    """Show a page of the log, newest first."""
    principal = request.principal
    permissions.require(principal, "audit:read")
    form = FilterForm(request.GET)
    wanted: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    entries = trail.entries(tenant=principal.tenant, **wanted)
    shown = pagination.paginate(entries, Request(request))
    kept = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    older = urlencode({**kept, "cursor": shown.next_cursor}) if shown.next_cursor else ""
    context = {
        "active": "audit",
        "form": form,
        "entries": shown.items,
        "filtered": bool(kept),
        "older": older,
    }
    return show(request, "console/audit.html", context)


urlpatterns = [path("audit", audit_log, name="console-audit")]
