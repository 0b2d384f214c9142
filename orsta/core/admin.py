"""ModelAdmin bases: the admin shows rows and calls services; it never edits state itself."""

import json
import operator
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orsta.core import errors


class ServiceAdmin(ModelAdmin):
    """Runs services from dialog actions and keeps lists fast on millions of rows.

    Who runs an action is written to Django's admin log by `run_service`, and to the audit log
    by the service, which is told the actor.
    """

    list_per_page = 25
    list_fullwidth = True
    list_filter_sheet = True
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = InfinitePaginator

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may run actions here: `@action(permissions=["operate"])`.

        Unfold looks a dotted permission up in the database when the system is checked,
        which breaks every command on an empty database.

        :param obj: of an action on one row, its key as the address has it.
        :raises Http404: the action is sent, and there is no such row.
        """
        options = self.model._meta
        allowed = request.user.has_perm(f"{options.app_label}.change_{options.model_name}")
        is_sent = request.method == "POST" and isinstance(obj, str)
        if allowed and is_sent and self.get_object(request, obj) is None:
            raise Http404
        return allowed

    def run_service(
        self, request: HttpRequest, object_id: Any, call: Callable[[], Any], done: str
    ) -> HttpResponse:
        """Call a service, tell the operator how it went, and go back to the row's page."""
        try:
            call()
        except errors.DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, done)
            self._log(request, object_id, done)
        return self._back_to(object_id)

    def reveal_once(
        self, request: HttpRequest, object_id: Any, call: Callable[[], str], done: str
    ) -> HttpResponse:
        """Call a service that returns a new secret, and show it in the open dialog.

        Not as a message: these wait in a cookie or the database until a page shows them.
        """
        try:
            secret = call()
        except errors.DomainError as error:
            messages.error(request, error.message)
            return self._back_to(object_id)
        if object_id is not None:
            self._log(request, object_id, done)
        return TemplateResponse(
            request,
            "admin/secret_once.html",
            {"done": done, "secret": secret},
            headers={
                # The dialog's form would replace only its fields, and could be sent again.
                "HX-Retarget": "#dialog",
                "HX-Reselect": "#dialog",
                "HX-Reswap": "outerHTML",
                "Cache-Control": "no-store",
            },
        )

    def _log(self, request: HttpRequest, object_id: Any, done: str) -> None:
        if (row := self.get_object(request, str(object_id))) is not None:
            self.log_change(request, row, done)

    def _back_to(self, object_id: Any) -> HttpResponse:
        options = self.model._meta
        page, args = ("changelist", []) if object_id is None else ("change", [object_id])
        url = reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=args)
        return HttpResponse(headers={"HX-Redirect": url})


class ReadOnlyAdmin(ServiceAdmin):
    """For rows that only the system writes: staff look, search, filter and run actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows of history below their owner."""

    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True
    ordering = ["-pk"]
    tab = True
    per_page = 20

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return every field: Django refuses those that no form may hold, unless it is told."""
        return list(self.fields or ())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def column(path: str, description: str) -> Callable[[Any, Any], str]:
    """Return a list's column for what a row refers to: `column("tenant.name", "Tenant")`.

    The text of the row itself carries an id, which makes columns wide.
    """
    read = operator.attrgetter(path)

    @display(description=description, ordering=path.replace(".", "__"))
    def show(_: Any, row: Any) -> str:
        return str(read(row))

    return cast("Callable[[Any, Any], str]", show)


def json_display(field: str) -> Callable[[Any, Any], SafeString]:
    """Return an admin method that shows a JSON field.

    Unfold colors JSON with inline styles, which our Content-Security-Policy refuses.
    """

    @display(description=field.replace("_", " ").capitalize())
    def show(_: Any, row: Any) -> SafeString:
        text = json.dumps(getattr(row, field), indent=2, ensure_ascii=False)
        return format_html('<pre class="orsta-json">{}</pre>', text)

    return cast("Callable[[Any, Any], SafeString]", show)


def link_to_list(model: str, text: str, **query: str) -> SafeString:
    """Return a link to another list of the admin: `link_to_list("billing.payment", …, q=id)`.

    By name, because an app may not import those above it.
    """
    url = reverse(f"admin:{model.replace('.', '_')}_changelist", query=query)
    return format_html('<a class="orsta-link" href="{}">{}</a>', url, text)
