"""The console's pages about sessions. What is live on them comes from `/v1` and `/ws`."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from accounts.forms import ConsoleForm
from accounts.views import ConsoleRequest, page, show
from orsta.core.api import pagination
from sessions_app import jids, selectors
from sessions_app.api.serializers import SessionCreateInput
from sessions_app.contacts import selectors as contacts
from sessions_app.engines import registry
from sessions_app.engines.base import Capability
from sessions_app.messaging import selectors as messaging
from sessions_app.messaging.models import Message
from sessions_app.models import DEFAULT_EVENTS, Session
from sessions_app.services import provisioning
from sessions_app.states import ADVICE, SessionStatus
from subscriptions import selectors as subscriptions

CHATS = 50  # per page of the list
MAX_CHATS = 1_000
PREVIEW = 120  # characters of a chat's last message

S = SessionStatus
TONES: dict[SessionStatus, str] = {
    S.CREATED: "busy",
    S.STARTING: "busy",
    S.PAIRING: "busy",
    S.CONNECTED: "good",
    S.DISCONNECTED: "busy",
    S.STOPPED: "off",
    S.PAIRING_EXPIRED: "warn",
    S.LOGGED_OUT: "bad",
    S.REPLACED: "bad",
    S.BANNED: "bad",
    S.FAULTED: "bad",
    S.DELETED: "off",
}
STATUSES = {
    status.value: {"label": status.label, "tone": TONES[status]} for status in SessionStatus
}


@dataclass(frozen=True, slots=True)
class Card:
    """A session as the pages show it."""

    session: Session
    advice: str
    reason: str  # "" when the status says it already
    tone: str
    phone: str
    simulated: bool


class SessionForm(ConsoleForm):
    """The API's own shape, checked by it, with words for people."""

    session_name = forms.CharField(
        label="Name",
        required=False,
        max_length=80,
        help_text="For you only, for example “Support line”.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    engine = forms.ChoiceField(
        required=False, help_text="The sandbox behaves like WhatsApp and needs no phone."
    )
    webhook_url = forms.CharField(
        label="Webhook address",
        required=False,
        help_text="Where events are posted. Leave it empty for none.",
        widget=forms.URLInput({"placeholder": "https://"}),
    )
    events = forms.CharField(required=False, initial=DEFAULT_EVENTS)
    expiration_sec = forms.IntegerField(
        label="Expires after (seconds)", required=False, help_text="0 means never.", initial=0
    )
    history = forms.IntegerField(
        label="Messages kept per chat", required=False, help_text="0 keeps all.", initial=0
    )
    auto_connect = forms.BooleanField(
        label="Connect as soon as it is created", required=False, initial=True
    )
    auto_read_enabled = forms.BooleanField(label="Mark messages as read", required=False)
    typing_enabled = forms.BooleanField(label="Show “typing” before a send", required=False)

    FOLDED = (
        "webhook_url",
        "events",
        "expiration_sec",
        "history",
        "auto_connect",
        "auto_read_enabled",
        "typing_enabled",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        engine: Any = self.fields["engine"]
        engine.choices = [(kind, kind.capitalize()) for kind in registry.kinds()]
        self.settings: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        """Let the API's shape judge; what was left empty takes its default."""
        given = {k: v for k, v in self.cleaned_data.items() if v not in ("", None)}
        shape = SessionCreateInput(data=given)
        if shape.is_valid():
            self.settings = shape.validated_data
        else:
            self.blame(shape.errors)
        return self.cleaned_data

    @property
    def folded(self) -> list[forms.BoundField]:
        """The fields that most people leave alone."""
        return [self[name] for name in self.FOLDED]

    @property
    def has_folded_errors(self) -> bool:
        """Whether a folded field needs attention, so the fold must be open."""
        return any(name in self.errors for name in self.FOLDED)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go to what the console is about."""
    return redirect("console-sessions")


@require_safe
@page
def session_list(request: ConsoleRequest) -> HttpResponse:
    """Show the tenant's sessions and how many of the plan's are used."""
    tenant = request.principal.tenant
    found = pagination.paginate(selectors.sessions_of(tenant), Request(request))
    context = {
        "active": "sessions",
        "cards": [_card(session) for session in found.items],
        "next_cursor": found.next_cursor,
        "entitlements": subscriptions.entitlements_for(tenant=tenant, now=timezone.now()),
        "used": subscriptions.sessions_used(tenant=tenant),
    }
    return show(request, "console/sessions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def session_new(request: ConsoleRequest) -> HttpResponse:
    """Create a session and go to its page, where its code appears."""
    form = SessionForm(request.POST or None)
    session = form.run(
        lambda: provisioning.create_session(
            tenant=request.principal.tenant, now=timezone.now(), **form.settings
        )
    )
    if session is not None:
        return redirect("console-session", session.public_id)
    context = {"active": "sessions", "form": form}
    return show(request, "console/session_new.html", context, status=form.status_code)


@require_safe
@page
def session_detail(request: ConsoleRequest, session_id: str) -> HttpResponse:
    """Show one session; its code, chats and contacts are fetched by the page."""
    session = selectors.session_of(request.principal.tenant, session_id)
    context = {"active": "sessions", "card": _card(session), "statuses": STATUSES}
    return show(request, "console/session.html", context)


class Chats(TenantAPIView):
    """The chats of a session, for the console's list; not part of the public API."""

    required_scope = {"GET": "messages:read"}

    @extend_schema(exclude=True)
    def get(self, request: Request, session_id: str) -> Response:
        """Return the liveliest chats; `more` says whether a larger `limit` shows others."""
        session = selectors.session_of(self.tenant, session_id)
        limit = _limit(request.query_params.get("limit", ""))
        newest = messaging.chats_of(session, limit=limit + 1)
        names = contacts.names_of(session, [message.chat for message in newest])
        chats = [_chat(message, names) for message in newest[:limit]]
        return Response({"chats": chats, "more": len(newest) > limit and limit < MAX_CHATS})


def _card(session: Session) -> Card:
    status = SessionStatus(session.status)
    return Card(
        session=session,
        advice=ADVICE[status],
        reason="" if session.reason.lower() == status.label.lower() else session.reason,
        tone=TONES[status],
        phone=jids.phone_of(session.jid),
        simulated=_simulated(session.engine),
    )


def _simulated(kind: str) -> bool:
    """Say whether the engine is a sandbox; one that is not offered any more is not."""
    offered = kind in registry.kinds()
    return offered and Capability.SIMULATION in registry.engine(kind).capabilities


def _limit(text: str) -> int:
    return min(max(int(text), 1), MAX_CHATS) if text.isascii() and text.isdigit() else CHATS


def _chat(message: Message, names: dict[str, str]) -> dict[str, Any]:
    return {
        "jid": message.chat,
        "name": names.get(message.chat, ""),
        "last": {
            "id": message.public_id,
            "direction": message.direction,
            "text": message.text[:PREVIEW],
            "created_at": message.created_at,
        },
    }


urlpatterns = [
    path("sessions", session_list, name="console-sessions"),
    path("sessions/new", session_new, name="console-session-new"),
    path("sessions/<str:session_id>", session_detail, name="console-session"),
    path("sessions/<str:session_id>/chats", Chats.as_view(), name="console-chats"),
]
