"""The pages that mails lead to: verify an address, set a new password.

A link shows a page with a button: programs that look at mails open links, and must not use
them up. The page hands the link's token over in the form: see `mail.link`.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import forms
from accounts.services import passwords, verification
from accounts.services.proofs import Shown
from accounts.views.pages import done, principal_of, show
from orsta.core.api.addresses import client_address


@never_cache
@sensitive_post_parameters("token", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Verify an address by the link or the code of the mail."""
    form = forms.VerifyForm(_posted(request), initial=_known(request))
    user = form.run(
        lambda: verification.verify(
            shown=_shown(form), ip=client_address(request), now=timezone.now()
        )
    )
    if user is None:
        return _page(request, "console/verify.html", form)
    home = "console-settings" if principal_of(request) else "console-login"
    return done(request, f"Thank you: {user.email} is verified.", home)


@never_cache
@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Mail a new code, to whoever has an account that waits for one."""
    form = forms.AddressForm(request.POST)
    form.run(
        lambda: verification.ask_again(
            email=form.cleaned_data["email"], ip=client_address(request)
        )
    )
    if form.errors:
        empty = forms.VerifyForm(initial=_known(request))
        return _page(request, "console/verify.html", empty, resend_form=form)
    sentence = "A new mail is on its way, if that address waits for one."
    return done(request, sentence, "console-verify")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Have a link mailed; the answer is the same for addresses nobody has."""
    form = forms.AddressForm(_posted(request))
    form.run(
        lambda: passwords.ask_reset(
            email=form.cleaned_data["email"], ip=client_address(request)
        )
    )
    if not form.is_bound or form.errors:
        return _page(request, "console/forgot.html", form)
    sentence = "If that address has an account, a mail is on its way to it."
    return done(request, sentence, "console-reset")


@never_cache
@sensitive_post_parameters("token", "code", "new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """Set a new password by the link or the code of the mail."""
    form = forms.ResetForm(_posted(request), initial=_known(request))
    user = form.run(
        lambda: passwords.reset(
            shown=_shown(form),
            new_password=form.cleaned_data["new_password"],
            ip=client_address(request),
            now=timezone.now(),
        )
    )
    if user is None:
        return _page(request, "console/reset.html", form)
    sentence = "Your password is set, and all logins ended. Log in with it."
    return done(request, sentence, "console-login")


def _posted(request: HttpRequest) -> QueryDict | None:
    """Return what was sent; None if nothing was, so that an empty page shows no errors."""
    return request.POST if request.method == "POST" else None


def _known(request: HttpRequest) -> dict[str, str]:
    """Return what needs no typing: who is logged in."""
    principal = principal_of(request)
    return {"email": principal.user.email if principal and principal.user else ""}


def _shown(form: forms.MailedForm) -> Shown:
    answers = form.cleaned_data
    return Shown(token=answers["token"], code=answers["code"], email=answers["email"])


def _page(
    request: HttpRequest, template: str, form: forms.ConsoleForm, **others: forms.ConsoleForm
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "principal": principal_of(request), **others}
    status = max(shown.status_code for shown in (form, *others.values()))
    return show(request, template, context, status=status)


urlpatterns = [
    path("verify", verify, name="console-verify"),
    path("verify/resend", resend, name="console-verify-resend"),
    path("forgot", forgot, name="console-forgot"),
    path("reset", reset, name="console-reset"),
]
