"""`/console/keys`: the workspace's API keys."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import key_limits, selectors
from accounts.key_forms import KeyForm, RotationForm
from accounts.models import ApiKey, ApiKeyState
from accounts.permissions import require
from accounts.services import keys
from accounts.views.pages import ConsoleRequest, done, page, show

_TONES = {
    ApiKeyState.LIVING: "good",
    ApiKeyState.ENDING: "warn",
    ApiKeyState.EXPIRED: "off",
    ApiKeyState.REVOKED: "off",
}
_MAX_LISTED = 200


@require_safe
@page
def key_list(request: ConsoleRequest) -> HttpResponse:
    """Show the keys that are not revoked, or those that are."""
    require(request.principal, "keys:read")
    principal, revoked = request.principal, request.GET.get("state") == ApiKeyState.REVOKED
    state = ApiKeyState.REVOKED if revoked else ""
    rows = selectors.keys_in_state(principal.tenant, state, now=timezone.now()).order_by("-pk")
    context = {
        "active": "keys",
        "rows": [_row(key) for key in rows[:_MAX_LISTED]],
        "revoked": revoked,
        "may_write": principal.allows("keys:write"),
    }
    return show(request, "console/keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_key(request: ConsoleRequest) -> HttpResponse:
    """Make a key; the answer is the one page that shows it."""
    require(request.principal, "keys:write")
    principal = request.principal
    grantable = key_limits.grantable(principal.scopes)
    form = KeyForm(request.POST or None, grantable=grantable, initial={"scopes": grantable})
    issued = form.run(
        lambda: keys.issue(
            tenant=principal.tenant,
            user=principal.user,
            granter=principal.scopes,
            now=timezone.now(),
            **form.columns(),
        )
    )
    if issued is None:
        context = {"active": "keys", "form": form}
        return show(request, "console/key_new.html", context, status=form.status_code)
    return _shown_once(request, issued, "Your new API key")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def key_detail(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Show a key, and change its name and limits."""
    require(request.principal, "keys:write" if request.method == "POST" else "keys:read")
    key = selectors.api_key_of(request.principal.tenant, key_id)
    form = KeyForm(
        request.POST or None,
        grantable=key_limits.grantable(request.principal.scopes),
        initial=KeyForm.initial_of(key),
    )
    changed = form.run(
        lambda: keys.change(
            key=key,
            granter=request.principal.scopes,
            actor=request.principal.actor,
            now=timezone.now(),
            **form.columns(),
        )
    )
    if changed is None:
        return _detail(request, key, form)
    return done(request, "The key is changed.", "console-key", key_id)


@require_POST
@page
def rotate_key(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """Replace a key; the answer is the one page that shows the new one."""
    require(request.principal, "keys:write")
    key = selectors.api_key_of(request.principal.tenant, key_id)
    form = RotationForm(request.POST)
    issued = form.run(
        lambda: keys.rotate(
            key=key,
            user=request.principal.user,
            overlap=timedelta(hours=form.cleaned_data["overlap_hours"]),
            granter=request.principal.scopes,
            now=timezone.now(),
        )
    )
    if issued is None:
        limits = KeyForm(
            grantable=key_limits.grantable(request.principal.scopes),
            initial=KeyForm.initial_of(key),
        )
        return _detail(request, key, limits, rotation=form)
    return _shown_once(request, issued, f"The new key of {key.name}", replaced=True)


@require_POST
@page
def revoke_key(request: ConsoleRequest, key_id: str) -> HttpResponse:
    """End a key for good."""
    require(request.principal, "keys:write")
    key = selectors.api_key_of(request.principal.tenant, key_id)
    keys.revoke(key=key, actor=request.principal.actor, now=timezone.now())
    return done(request, f"The key {key.name} is revoked.", "console-keys")


def _detail(
    request: ConsoleRequest, key: ApiKey, form: KeyForm, *, rotation: RotationForm | None = None
) -> HttpResponse:
    refused = rotation if rotation is not None else form
    living = key.state_at(timezone.now()) == ApiKeyState.LIVING
    context = {
        "active": "keys",
        "row": _row(key),
        "form": form,
        "rotation": rotation or RotationForm(),
        "may_change": living and request.principal.allows("keys:write"),
        "may_revoke": key.revoked_at is None and request.principal.allows("keys:write"),
    }
    return show(request, "console/key.html", context, status=refused.status_code)


def _shown_once(
    request: ConsoleRequest, issued: keys.IssuedKey, heading: str, *, replaced: bool = False
) -> HttpResponse:
    context = {
        "active": "keys",
        "heading": heading,
        "secret": issued.text,
        "key": issued.row,
        "replaced": replaced,
    }
    return show(request, "console/key_made.html", context)


def _row(key: ApiKey) -> dict[str, Any]:
    state = key.state_at(timezone.now())
    return {
        "key": key,
        "masked": selectors.masked_key(key),
        "state": state.label,
        "tone": _TONES[state],
        "everything": key_limits.EVERY in key.scopes,
    }


urlpatterns = [
    path("keys", key_list, name="console-keys"),
    path("keys/new", new_key, name="console-key-new"),
    path("keys/<str:key_id>", key_detail, name="console-key"),
    path("keys/<str:key_id>/rotate", rotate_key, name="console-key-rotate"),
    path("keys/<str:key_id>/revoke", revoke_key, name="console-key-revoke"),
]
