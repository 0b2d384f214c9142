"""ModelAdmin bases: the admin shows rows and calls services; it never edits state itself."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

from orsta.core import errors


class ServiceAdmin(ModelAdmin):
    """Runs services from dialog actions and keeps lists fast on millions of rows."""

    list_per_page = 25
    list_fullwidth = True
    list_filter_submit = True
    show_full_result_count = False
    paginator = InfinitePaginator

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may run actions here: `@action(permissions=["operate"])`.

        Unfold looks a dotted permission up in the database when the system is checked,
        which breaks every command on an empty database.
        """
        options = self.model._meta
        return request.user.has_perm(f"{options.app_label}.change_{options.model_name}")

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
            if (row := self.get_object(request, str(object_id))) is not None:
                self.log_change(request, row, done)
        options = self.model._meta
        url = reverse(
            f"admin:{options.app_label}_{options.model_name}_change", args=[object_id]
        )
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
    tab = True
    per_page = 20

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
