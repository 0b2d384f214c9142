"""Where staff set their authenticator app up."""

import segno
from django import forms
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.admin.staff import actor_of
from accounts.services import recovery_codes, totp
from orsta.backoffice.staff_login import mark
from orsta.core import errors

_TEMPLATE = "admin/second_factor.html"


class ConfirmForm(forms.Form):
    """The first code of the app."""

    code = forms.CharField(
        label="Code",
        max_length=totp.DIGITS + 1,  # apps show a space in the middle
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": " ".join(BASE_INPUT_CLASSES),
            }
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required(login_url="admin:login")
def set_up(request: HttpRequest) -> HttpResponse:
    """Show what there is; a POST begins, one with a code finishes."""
    user = actor_of(request)
    if request.method != "POST":
        return _page(request, ConfirmForm())
    if "code" not in request.POST:
        totp.begin(user=user, now=timezone.now())
        return redirect("staff-second-factor")
    form = ConfirmForm(request.POST)
    codes = _confirm(request, form) if form.is_valid() else []
    return _page(request, form, codes)


def _confirm(request: HttpRequest, form: ConfirmForm) -> list[str]:
    user = actor_of(request)
    try:
        codes = totp.confirm(user=user, code=form.cleaned_data["code"], now=timezone.now())
    except errors.DomainError as error:
        form.add_error("code", error.message)
        return []
    mark(request, user)
    return codes


def _page(
    request: HttpRequest, form: ConfirmForm, codes: list[str] | None = None
) -> HttpResponse:
    user = actor_of(request)
    waiting = totp.waiting(user, now=timezone.now())
    context = {
        **admin.site.each_context(request),
        "title": "Second factor",
        "form": form,
        "codes": codes,
        "enabled": totp.is_enabled(user),
        "codes_left": recovery_codes.left(user),
        "secret": waiting.secret if waiting else "",
        "qr": segno.make(waiting.uri, micro=False).svg_data_uri(scale=4, light="#fff")
        if waiting
        else "",
    }
    return render(request, _TEMPLATE, context, status=400 if form.errors else 200)
