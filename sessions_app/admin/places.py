"""What gateways and proxies have in common: sessions have places in them."""

from types import ModuleType
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from accounts.admin.staff import actor_of
from orsta.core.admin import ServiceAdmin, link_to_list
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.admin.colors import HEALTH_COLORS, STATE_COLORS, fullness
from sessions_app.services import placement


class PlaceAdmin(ServiceAdmin):
    """Staff write them by services, with a reason, and see how full they are.

    `relation` is the session's column for it and its name in the calls of `service`, a module
    with `save`, `set_state` and `delete`.
    """

    relation: ClassVar[str]
    service: ModuleType

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with how many sessions have a place in each, as `used`."""
        return placement.with_used(super().get_queryset(request), self.relation)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it goes by an action of ours, which asks for a reason."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save by the service, which writes the audit entry."""
        self.service.save(
            **{self.relation: obj},
            changed=form.changed_data,
            actor=actor_of(request).public_id,
            now=timezone.now(),
        )

    @display(description="Sessions", ordering="used")
    def used(self, place: Any) -> str | SafeString:
        return fullness(place.used, place.capacity) if place.pk else "0"

    @display(description="Health", ordering="health", label=HEALTH_COLORS)
    def condition(self, place: Any) -> str:
        return str(place.get_health_display())

    @display(description="State", ordering="state", label=STATE_COLORS)
    def situation(self, place: Any) -> str:
        return str(place.get_state_display())

    @display(description="Its sessions")
    def sessions(self, place: Any) -> str | SafeString:
        if not place.pk:
            return "None yet."
        narrowed = {f"{self.relation}__id__exact": str(place.pk)}
        return link_to_list("sessions_app.session", "Show them", **narrowed)

    @action(
        description="Delete",
        permissions=["operate"],
        dialog=dialog("Delete it?", "Only one without sessions can go.", "Delete", ReasonForm),
    )
    def remove(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Delete it, and leave its page if that worked."""
        answer = self.run(request, form, object_id, self.service.delete, "It is gone.")
        if self.model.objects.filter(pk=object_id).exists():
            return answer
        return self._back_to(None)

    def put(
        self, request: HttpRequest, form: ReasonForm, object_id: str, state: Any
    ) -> HttpResponse:
        """Say what staff want of it from now on."""
        done = f"It is {state.label.lower()} now."
        return self.run(request, form, object_id, self.service.set_state, done, state=state)

    def run(
        self,
        request: HttpRequest,
        form: ReasonForm,
        object_id: str,
        service: Any,
        done: str,
        **given: Any,
    ) -> HttpResponse:
        """Call a service about it, with who wants it and why."""
        given[self.relation] = get_object_or_404(self.model, pk=object_id)
        given |= {"actor": actor_of(request).public_id, "now": timezone.now()}
        given["reason"] = form.cleaned_data["reason"]
        return self.run_service(request, object_id, lambda: service(**given), done=done)
