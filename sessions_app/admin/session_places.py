"""What staff do about where a session lives and how it gets out."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from accounts.admin.staff import actor_of
from orsta.core.admin import ReadOnlyAdmin, link_to_list
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.admin.forms import AssignForm
from sessions_app.models import Session
from sessions_app.services import gateways, proxies


class PlaceActions(ReadOnlyAdmin):
    """The part of a session's page that is about its gateway and its proxy."""

    @display(description="Gateway")
    def lives_in(self, session: Session) -> str | SafeString:
        if session.gateway is None:
            return "In no gateway."
        gateway = session.gateway
        return link_to_list("sessions_app.gateway", gateway.name, q=gateway.public_id)

    @display(description="Proxy")
    def goes_through(self, session: Session) -> str | SafeString:
        if session.proxy is None:
            return "It connects directly."
        proxy = session.proxy
        return link_to_list("sessions_app.proxy", proxy.name, q=proxy.public_id)

    @action(
        description="Assign proxy",
        permissions=["operate"],
        dialog=dialog(
            "Give this session another proxy?",
            "It connects through that one alone, from now on; a running one reconnects.",
            "Assign",
            AssignForm,
        ),
    )
    def assign_proxy(
        self, request: HttpRequest, form: AssignForm, object_id: str
    ) -> HttpResponse:
        proxy = form.cleaned_data["proxy"]
        return self._settle(
            request, form, object_id, proxies.assign, "It has the proxy.", proxy=proxy
        )

    @action(
        description="Remove proxy",
        permissions=["operate"],
        dialog=dialog(
            "Let this session connect directly?",
            "WhatsApp sees the address of our server then.",
            "Remove",
            ReasonForm,
        ),
    )
    def remove_proxy(
        self, request: HttpRequest, form: ReasonForm, object_id: str
    ) -> HttpResponse:
        return self._settle(
            request, form, object_id, proxies.assign, "It connects directly.", proxy=None
        )

    @action(
        description="Move (needs a new pairing)",
        permissions=["operate"],
        dialog=dialog(
            "Move this session to the emptiest gateway?",
            "Its device is unlinked: somebody has to scan a new code. Stop it first.",
            "Move",
            ReasonForm,
        ),
    )
    def move(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._settle(request, form, object_id, gateways.move, "The session moved.")

    def _settle(
        self,
        request: HttpRequest,
        form: ReasonForm,
        object_id: str,
        service: Callable[..., Any],
        done: str,
        **given: Any,
    ) -> HttpResponse:
        session = get_object_or_404(Session, pk=object_id)
        given |= {"actor": actor_of(request).public_id, "now": timezone.now()}
        given["reason"] = form.cleaned_data["reason"]
        return self.run_service(
            request, object_id, lambda: service(session=session, **given), done=done
        )
