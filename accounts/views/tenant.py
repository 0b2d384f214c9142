"""`/console/workspace`: rename the workspace, take its data, delete it; go to another one."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts import permissions
from accounts.forms import ConsoleForm, ProofForm
from accounts.models import ExportStatus
from accounts.selectors import archives, members
from accounts.services import deletion, exports, switching, tenants
from accounts.views.pages import ConsoleRequest, done, page, person_of, show
from orsta.core.api.addresses import client_address

_HOME = "console-workspace"
_SHOWN = 5  # archives; the API lists all


class NameForm(ConsoleForm):
    """Another name."""

    name = forms.CharField(max_length=tenants.MAX_NAME_LENGTH)


class CountryForm(ConsoleForm):
    """Where phone numbers without a country code are from."""

    default_country = forms.CharField(
        label="Country",
        required=False,
        max_length=2,
        help_text="Two letters, like DE. Completes phone numbers without a country code.",
        widget=forms.TextInput({"autocomplete": "country", "size": 2}),
    )


class DeletionForm(ProofForm):
    """Proof that it is the owner, and that they mean this workspace."""

    confirm = forms.CharField(
        label="Name of the workspace",
        max_length=tenants.MAX_NAME_LENGTH,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    field_order = ["confirm", "password"]


@require_safe
@page
def workspace(request: ConsoleRequest) -> HttpResponse:
    """Show the workspace and what can be done with it."""
    return _page(request)


@require_POST
@page
def rename(request: ConsoleRequest) -> HttpResponse:
    """Give the workspace another name."""
    form = NameForm(request.POST)
    return _update(request, "name_form", form, "The workspace has its new name.")


@require_POST
@page
def locate(request: ConsoleRequest) -> HttpResponse:
    """Say where phone numbers without a country code are from."""
    form = CountryForm(request.POST)
    return _update(request, "country_form", form, "The country of phone numbers was changed.")


@require_POST
@page
def export(request: ConsoleRequest) -> HttpResponse:
    """Have an archive written."""
    permissions.require(request.principal, "tenant:write")
    tenant, now = request.principal.tenant, timezone.now()
    exports.request(tenant=tenant, by=person_of(request), now=now)
    return redirect(_HOME)


@sensitive_post_parameters("password")
@require_POST
@page
def delete(request: ConsoleRequest) -> HttpResponse:
    """Schedule the deletion."""
    permissions.require(request.principal, "tenant:delete")
    form = DeletionForm(request.POST)
    form.run(
        lambda: deletion.request(
            tenant=request.principal.tenant,
            by=person_of(request),
            **form.cleaned_data,
            ip=client_address(request),
            now=timezone.now(),
        )
    )
    return _page(request, deletion_form=form) if form.errors else redirect(_HOME)


@require_POST
@page
def keep(request: ConsoleRequest) -> HttpResponse:
    """Cancel the deletion."""
    permissions.require(request.principal, "tenant:delete")
    actor, tenant = request.principal.actor, request.principal.tenant
    kept = tenants.cancel_deletion(tenant=tenant, actor=actor, now=timezone.now())
    as_before = "Its keys and sessions work again." if kept.is_active else "It is suspended."
    return done(request, f"The workspace stays. {as_before}", _HOME)


@require_POST
@page
def switch(request: ConsoleRequest) -> HttpResponse:
    """Go to another workspace of the person, with this login."""
    place = switching.switch(
        user=person_of(request),
        login_id=request.principal.credential_id,
        tenant_id=request.POST.get("tenant_id", ""),
        now=timezone.now(),
    )
    return done(request, f"You are in {place.tenant.name} now.", _HOME)


def _update(
    request: ConsoleRequest, place: str, form: ConsoleForm, sentence: str
) -> HttpResponse:
    """Change what the form holds of the workspace; `place` is the form's in the page."""
    permissions.require(request.principal, "tenant:write")
    actor, tenant = request.principal.actor, request.principal.tenant
    form.run(
        lambda: tenants.update(
            tenant=tenant, actor=actor, now=timezone.now(), **form.cleaned_data
        )
    )
    return _page(request, **{place: form}) if form.errors else done(request, sentence, _HOME)


def _page(request: ConsoleRequest, **bound: ConsoleForm) -> HttpResponse:
    """Show the page; a form that was refused stands in for its empty one."""
    principal = request.principal
    permissions.require(principal, "tenant:read")
    tenant, may_write = principal.tenant, principal.allows("tenant:write")
    found = list(archives.exports_of(tenant).order_by("-pk")[:_SHOWN]) if may_write else []
    running = {ExportStatus.QUEUED, ExportStatus.RUNNING}
    context: dict[str, Any] = {
        "active": "workspace",
        "tenant": tenant,
        "places": list(members.workspaces_of(person_of(request))),
        "may_write": may_write,
        "may_delete": principal.allows("tenant:delete"),
        "exports": found,
        "export_running": any(row.status in running for row in found),
        "grace_days": tenants.DELETION_GRACE.days,
        "name_form": NameForm(initial={"name": tenant.name}),
        "country_form": CountryForm(initial={"default_country": tenant.default_country}),
        "deletion_form": DeletionForm(),
        **bound,
    }
    status = next((form.status_code for form in bound.values()), 200)
    return show(request, "console/tenant.html", context, status=status)


urlpatterns = [
    path("workspace", workspace, name="console-workspace"),
    path("workspace/rename", rename, name="console-workspace-rename"),
    path("workspace/country", locate, name="console-workspace-country"),
    path("workspace/export", export, name="console-export"),
    path("workspace/delete", delete, name="console-workspace-delete"),
    path("workspace/keep", keep, name="console-workspace-keep"),
    path("workspace/switch", switch, name="console-switch"),
]
