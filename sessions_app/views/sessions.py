"""The console's pages about sessions. What is live on them comes from `/v1` and `/ws`."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.request import Request

from accounts.permissions import require
from accounts.views import ConsoleRequest, page, show
from orsta.core.api import pagination
from sessions_app import selectors
from sessions_app.messaging import selectors as messaging
from sessions_app.services import provisioning
from sessions_app.views.cards import STATUSES, card_of
from sessions_app.views.forms import SessionForm, SettingsForm
from subscriptions import selectors as subscriptions


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go to what the console is about."""
    return redirect("console-sessions")


@require_safe
@page
def session_list(request: ConsoleRequest) -> HttpResponse:
    """Show the tenant's sessions and how many of the plan's are used."""
    require(request.principal, "sessions:read")
    tenant = request.principal.tenant
    found = pagination.paginate(selectors.sessions_for(request.principal), Request(request))
    entitlements = subscriptions.entitlements_for(tenant=tenant, now=timezone.now())
    used, limit = subscriptions.sessions_used(tenant=tenant), entitlements.limit("SESSIONS")
    context = {
        "active": "sessions",
        "cards": [card_of(session) for session in found.items],
        "next_cursor": found.next_cursor,
        "entitlements": entitlements,
        "used": used,
        "limit": limit,
        "has_room": limit is None or used < limit,
        "may_create": request.principal.allows("sessions:write"),
    }
    return show(request, "console/sessions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def session_new(request: ConsoleRequest) -> HttpResponse:
    """Create a session and go to its page, where its code appears."""
    require(request.principal, "sessions:write")
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
    require(request.principal, "sessions:read")
    session = selectors.session_for(request.principal, session_id)
    context = {
        "active": "sessions",
        "card": card_of(session),
        "statuses": STATUSES,
        "may_write": request.principal.allows("sessions:write"),
    }
    return show(request, "console/session.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def session_settings(request: ConsoleRequest, session_id: str) -> HttpResponse:
    """Show a session's settings and figures, and change the former."""
    may_write = request.principal.allows("sessions:write")
    require(
        request.principal, "sessions:write" if request.method == "POST" else "sessions:read"
    )
    session = selectors.session_for(request.principal, session_id)
    form = SettingsForm(request.POST or None, session=session)
    changed = form.run(
        lambda: provisioning.update_session(session=session, now=timezone.now(), **form.changes)
    )
    if changed is not None:
        return redirect(f"{request.path}?saved=1")
    context = {
        "active": "sessions",
        "card": card_of(session),
        "form": form,
        "counts": messaging.counts_of(session),
        "may_write": may_write,
        "saved": "saved" in request.GET,
    }
    return show(request, "console/session_settings.html", context, status=form.status_code)
