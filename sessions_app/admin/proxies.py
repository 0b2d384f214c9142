"""The pool of proxies."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display

from accounts.admin.staff import actor_of
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.admin.forms import ImportForm, ProxyForm
from sessions_app.admin.places import PlaceAdmin
from sessions_app.models import Proxy
from sessions_app.services import proxies
from sessions_app.states import ProxyState


@admin.register(Proxy)
class ProxyAdmin(PlaceAdmin):
    """Ways out to WhatsApp. Their URLs are written here and shown without their logins."""

    relation = "proxy"
    service = proxies
    form = ProxyForm
    list_display = [
        "name", "place", "country", "used", "condition", "situation", "checked_at", "error",
    ]  # fmt: skip
    list_filter = ["state", "health", "country", "checked_at"]
    search_fields = ["public_id", "name"]
    ordering = ["name"]
    readonly_fields = [
        "public_id", "place", "used", "condition", "situation", "error", "checked_at",
        "down_since", "sessions",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "url", "country", "capacity"]}),
        (
            "State",
            {
                "fields": [
                    "public_id", "place", "situation", "condition", "used", "sessions",
                    "error", "checked_at", "down_since",
                ]
            },
        ),
    ]  # fmt: skip
    actions_list = ["import_list"]
    actions_detail = ["check_now", "disable", "enable", "remove"]

    @display(description="Where")
    def place(self, proxy: Proxy) -> str:
        return proxies.place_of(proxy) if proxy.pk else "-"

    @action(
        description="Import",
        permissions=["operate"],
        dialog=dialog(
            "Add many proxies at once?",
            "All of them or none; those that are in the pool already are left as they are.",
            "Import",
            ImportForm,
        ),
    )
    def import_list(self, request: HttpRequest, form: ImportForm) -> HttpResponse:
        """Add a proxy for each line."""
        given = form.cleaned_data
        return self.run_service(
            request,
            None,
            lambda: proxies.add_many(
                text=given["lines"],
                capacity=given["capacity"],
                reason=given["reason"],
                actor=actor_of(request).public_id,
                now=timezone.now(),
            ),
            done="The proxies were added; they are checked within five minutes.",
        )

    @action(
        description="Check now",
        permissions=["operate"],
        dialog=dialog("Try this proxy now?", "It is asked to connect to WhatsApp.", "Check"),
    )
    def check_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Try it; its page shows how it went."""
        return self.run_service(
            request,
            object_id,
            lambda: proxies.test(proxy_id=int(object_id), now=timezone.now()),
            done="The proxy works.",
        )

    @action(
        description="Disable",
        permissions=["operate"],
        dialog=dialog(
            "Take this proxy out of use?",
            "Its sessions stop; they never connect without it.",
            "Disable",
            ReasonForm,
        ),
    )
    def disable(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.put(request, form, object_id, ProxyState.DISABLED)

    @action(
        description="Enable",
        permissions=["operate"],
        dialog=dialog(
            "Take this proxy into use?",
            "Sessions that stopped with it start again.",
            "Enable",
            ReasonForm,
        ),
    )
    def enable(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.put(request, form, object_id, ProxyState.ACTIVE)
