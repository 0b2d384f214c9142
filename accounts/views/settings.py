"""`/console/settings`: a person's password, second factors, passkeys and logins."""

from collections.abc import Callable
from typing import Any

import segno
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts import devices, forms
from accounts.models import LoginSession
from accounts.selectors import people
from accounts.services import ceremonies, login, passkeys, passwords, second_factors, totp
from accounts.views.pages import ConsoleRequest, done, page, person_of, show
from orsta.core.api.addresses import client_address

_HOME = "console-settings"
_MAX_LISTED = 100  # logins; the API lists all
# Forms of a kind on one page: their fields need ids of their own.
_ADD, _OFF, _CODES = "add_%s", "off_%s", "codes_%s"


@require_safe
@page
def settings(request: ConsoleRequest) -> HttpResponse:
    """Show everything there is to set."""
    return _page(request)


@sensitive_post_parameters()
@require_POST
@page
def change_password(request: ConsoleRequest) -> HttpResponse:
    """Replace the password; the person's other logins end."""
    form = forms.PasswordForm(request.POST)
    form.run(
        lambda: passwords.change(
            user=person_of(request),
            **form.cleaned_data,
            login_id=request.principal.credential_id,
            ip=client_address(request),
            now=timezone.now(),
        )
    )
    if form.errors:
        return _page(request, form, password_form=form)
    return done(request, "Your password is changed, and your other logins ended.", _HOME)


@sensitive_post_parameters("password")
@require_POST
@page
def begin_totp(request: ConsoleRequest) -> HttpResponse:
    """Make a secret; the page shows it until a code of it confirms it."""
    person, now = person_of(request), timezone.now()
    form = forms.FreshForm(request.POST, auto_id=_ADD, fresh=_is_fresh(request))
    form.run(
        lambda: second_factors.begin_totp(
            user=person,
            login_id=request.principal.credential_id,
            **form.cleaned_data,
            now=now,
        )
    )
    if form.errors:
        return _page(request, form, add_form=form)
    return redirect(_HOME)


@sensitive_post_parameters("code")
@require_POST
@page
def confirm_totp(request: ConsoleRequest) -> HttpResponse:
    """Turn the authenticator app on."""
    form = forms.CodeForm(request.POST)
    codes = form.run(
        lambda: totp.confirm(
            user=person_of(request), code=form.cleaned_data["code"], now=timezone.now()
        )
    )
    if codes is None:
        return _page(request, form, code_form=form)
    return _codes(request, "Your authenticator app is on", codes)


@sensitive_post_parameters("password")
@require_POST
@page
def turn_totp_off(request: ConsoleRequest) -> HttpResponse:
    """Remove the authenticator app."""
    form = _prove(request, second_factors.turn_off, _OFF)[0]
    if form.errors:
        return _page(request, form, off_form=form)
    return done(request, "The authenticator app is removed.", _HOME)


@sensitive_post_parameters("password")
@require_POST
@page
def replace_codes(request: ConsoleRequest) -> HttpResponse:
    """Make new recovery codes."""
    form, codes = _prove(request, second_factors.new_recovery_codes, _CODES)
    if form.errors:
        return _page(request, form, codes_form=form)
    return _codes(request, "Your new recovery codes", codes)


@require_POST
@page
def remove_passkey(request: ConsoleRequest, passkey_id: str) -> HttpResponse:
    """Forget a passkey."""
    passkeys.remove(user=person_of(request), public_id=passkey_id, now=timezone.now())
    return done(request, "The passkey is removed.", _HOME)


@require_POST
@page
def end_login(request: ConsoleRequest, login_id: str) -> HttpResponse:
    """End one login of the person, on whichever device."""
    person, now = person_of(request), timezone.now()
    row = people.login_of(person, login_id, now=now)
    login.revoke(login_session=row, now=now, actor=person.public_id)
    return done(request, "That login ended.", _HOME)


@require_POST
@page
def end_other_logins(request: ConsoleRequest) -> HttpResponse:
    """End every login of the person but this one."""
    person = person_of(request)
    here = request.principal.credential_id
    login.revoke_all(user=person, now=timezone.now(), actor=person.public_id, but=here)
    return done(request, "Your other logins ended.", _HOME)


def _prove(
    request: ConsoleRequest, work: Callable[..., Any], auto_id: str
) -> tuple[forms.ProofForm, Any]:
    """Run what takes a password as proof; return its form and its answer."""
    form = forms.ProofForm(request.POST, auto_id=auto_id)
    person, now = person_of(request), timezone.now()
    return form, form.run(lambda: work(user=person, now=now, **form.cleaned_data))


def _is_fresh(request: ConsoleRequest) -> bool:
    return second_factors.is_fresh(
        user=person_of(request), login_id=request.principal.credential_id, now=timezone.now()
    )


def _codes(request: ConsoleRequest, heading: str, codes: list[str]) -> HttpResponse:
    context = {"heading": heading, "codes": codes, "active": "settings"}
    return show(request, "console/recovery_codes.html", context)


def _page(
    request: ConsoleRequest,
    refused: forms.ConsoleForm | None = None,
    **bound: forms.ConsoleForm,
) -> HttpResponse:
    """Show the page; a form that was refused stands in for its empty one."""
    person, now = person_of(request), timezone.now()
    waiting = totp.waiting(person, now=now)
    rows = people.logins_of(person, now=now).order_by("-pk")[:_MAX_LISTED]
    fresh = _is_fresh(request)
    context = {
        "active": "settings",
        "factors": people.factors_of(person),
        "waiting": waiting,
        "qr": _qr(waiting.uri) if waiting else "",
        "passkeys": passkeys.of(person),
        "passkey_origin": ceremonies.origin() if ceremonies.available() else "",
        "logins": [_shown(row, request.principal.credential_id) for row in rows],
        "fresh": fresh,
        **_forms(fresh=fresh),
        **bound,
    }
    status = refused.status_code if refused else 200
    return show(request, "console/settings.html", context, status=status)


def _forms(*, fresh: bool) -> dict[str, forms.ConsoleForm]:
    return {
        "password_form": forms.PasswordForm(),
        "code_form": forms.CodeForm(),
        "add_form": forms.FreshForm(auto_id=_ADD, fresh=fresh),
        "off_form": forms.ProofForm(auto_id=_OFF),
        "codes_form": forms.ProofForm(auto_id=_CODES),
    }


def _shown(row: LoginSession, current: str) -> dict[str, Any]:
    return {
        "row": row,
        "device": devices.name_of(row.user_agent),
        "seen_at": row.last_used_at or row.created_at,
        "current": row.public_id == current,
    }


def _qr(text: str) -> str:
    return segno.make(text, micro=False).svg_data_uri(scale=4, border=2, light="#fff")


urlpatterns = [
    path("settings", settings, name=_HOME),
    path("settings/password", change_password, name="console-password"),
    path("settings/totp", begin_totp, name="console-totp"),
    path("settings/totp/confirm", confirm_totp, name="console-totp-confirm"),
    path("settings/totp/off", turn_totp_off, name="console-totp-off"),
    path("settings/recovery-codes", replace_codes, name="console-recovery-codes"),
    path("settings/passkeys/<str:passkey_id>", remove_passkey, name="console-passkey-remove"),
    path("settings/logins/others", end_other_logins, name="console-logins-end"),
    path("settings/logins/<str:login_id>", end_login, name="console-login-end"),
]
