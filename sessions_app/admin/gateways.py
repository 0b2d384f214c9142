"""The fleet of gateways, and what they posted."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display

from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.admin.forms import GatewayForm
from sessions_app.admin.places import PlaceAdmin
from sessions_app.models import Gateway
from sessions_app.services import gateways, surveys
from sessions_app.states import GatewayState


@admin.register(Gateway)
class GatewayAdmin(PlaceAdmin):
    """Staff say where gateways are and what they may hold; surveys say how they are."""

    relation = "gateway"
    service = gateways
    form = GatewayForm
    list_display = [
        "name", "engine", "used", "condition", "situation", "version", "checked_at", "error",
    ]  # fmt: skip
    list_filter = ["engine", "state", "health", "checked_at"]
    search_fields = ["public_id", "name", "address"]
    ordering = ["name"]
    readonly_fields = [
        "public_id", "used", "condition", "situation", "version", "error", "checked_at",
        "down_since", "sessions", "not_ours",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "engine", "address", "token", "capacity", "labels"]}),
        (
            "State",
            {
                "fields": [
                    "public_id", "situation", "condition", "used", "sessions", "version",
                    "error", "checked_at", "down_since", "not_ours",
                ]
            },
        ),
    ]  # fmt: skip
    actions_detail = [
        "test",
        {
            "title": "Operate",
            "icon": "more_horiz",
            "items": ["drain", "activate", "quarantine", "rebalance", "remove"],
        },
    ]

    @display(description="Not ours")
    def not_ours(self, gateway: Gateway) -> str:
        return ", ".join(gateway.strangers) or "Every session in it is ours."

    @action(
        description="Test",
        permissions=["operate"],
        dialog=dialog("Ask this gateway now?", "As the survey does every 30 seconds.", "Ask"),
    )
    def test(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Survey it."""
        return self.run_service(
            request,
            object_id,
            lambda: surveys.test(gateway_id=int(object_id), now=timezone.now()),
            done="The gateway answers; its page says what.",
        )

    @action(
        description="Drain",
        permissions=["operate"],
        dialog=dialog(
            "Drain this gateway?",
            "It takes no new sessions; those in it go on.",
            "Drain",
            ReasonForm,
        ),
    )
    def drain(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.put(request, form, object_id, GatewayState.DRAINING)

    @action(
        description="Activate",
        permissions=["operate"],
        dialog=dialog(
            "Let this gateway take sessions?",
            "Sessions that its quarantine ended are started again.",
            "Activate",
            ReasonForm,
        ),
    )
    def activate(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.put(request, form, object_id, GatewayState.ACTIVE)

    @action(
        description="Quarantine",
        permissions=["operate"],
        dialog=dialog(
            "Put this gateway into quarantine?",
            "Nothing is sent to it or believed from it, and its sessions stop.",
            "Quarantine",
            ReasonForm,
        ),
    )
    def quarantine(
        self, request: HttpRequest, form: ReasonForm, object_id: str
    ) -> HttpResponse:
        return self.put(request, form, object_id, GatewayState.QUARANTINED)

    @action(
        description="Rebalance",
        permissions=["operate"],
        dialog=dialog(
            "Move this gateway's unpaired sessions to emptier ones?",
            "Those with a device stay: moving one needs a new pairing; see its page.",
            "Rebalance",
            ReasonForm,
        ),
    )
    def rebalance(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.run(
            request, form, object_id, gateways.rebalance, "Sessions without a device moved."
        )
