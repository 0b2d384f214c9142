"""The outbox in the backoffice: what waits, what was parked, and putting it back."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from orsta.core.admin import ReadOnlyAdmin, json_display
from orsta.core.outbox import services
from orsta.core.outbox.models import OutboxEvent


class StateFilter(admin.SimpleListFilter):
    """Waiting, dispatched or parked; each served by a partial index."""

    title = "state"
    parameter_name = "state"
    _conditions: dict[str, dict[str, Any]] = {
        "waiting": {"dispatched_at": None, "parked_at": None},
        "dispatched": {"dispatched_at__isnull": False},
        "parked": {"parked_at__isnull": False},
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name.title()) for name in self._conditions]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**self._conditions.get(self.value() or "", {}))


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """System rows; the one thing staff can do is replay a parked event."""

    list_display = [
        "event_id",
        "name",
        "tenant_id",
        "shard",
        "state",
        "attempts",
        "occurred_at",
    ]
    list_filter = [StateFilter, "name", "occurred_at"]
    search_fields = ["event_id", "shard", "name"]
    exclude = ["payload"]
    readonly_fields = ["event_id", "shown_payload"]
    actions_detail = ["replay"]
    shown_payload = json_display("payload")

    @display(
        description="State",
        label={"waiting": "warning", "dispatched": "success", "parked": "danger"},
    )
    def state(self, event: OutboxEvent) -> str:
        if event.parked_at:
            return "parked"
        return "dispatched" if event.dispatched_at else "waiting"

    @action(
        description="Replay",
        permissions=["operate"],
        dialog={
            "title": "Replay this event?",
            "description": "Its subscribers run again; they are safe to repeat.",
        },
    )
    def replay(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        event = OutboxEvent.objects.get(pk=object_id)
        return self.run_service(
            request,
            object_id,
            lambda: services.replay(event=event, now=timezone.now()),
            done="The event goes out again.",
        )
