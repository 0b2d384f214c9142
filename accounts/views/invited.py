"""`/console/invitation`: where the mail of an invitation leads.

The page hands the link's token over in a form: see `mail.link`.
"""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.api import cookies
from accounts.api.base import user_agent
from accounts.forms import ConsoleForm, new_password_field, username_field
from accounts.selectors import members as roster
from accounts.services import invitations, switching
from accounts.views.pages import done, principal_of, show
from orsta.core.api.addresses import client_address


class TokenForm(ConsoleForm):
    """What the mailed link carries."""

    token = forms.CharField(
        label="Invitation",
        max_length=100,
        help_text="What follows the # in the link.",
        widget=forms.TextInput({"autocomplete": "off", "data-fragment": "send"}),
    )


class JoinForm(ConsoleForm):
    """Who somebody without an account is going to be."""

    token = forms.CharField(max_length=100, widget=forms.HiddenInput())
    username = username_field()
    password = new_password_field()


@never_cache
@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """Take the token out of the address; `main.js` sends the form by itself."""
    return _ask(request, TokenForm())


@never_cache
@sensitive_post_parameters("token")
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Show what the invitation is to, and what it takes to accept it."""
    return _offer(request, JoinForm(initial={"token": request.POST.get("token", "")}))


@never_cache
@sensitive_post_parameters("token", "password")
@require_POST
def join(request: HttpRequest) -> HttpResponse:
    """Accept with a new account."""
    form = JoinForm(request.POST)
    joined = form.run(
        lambda: invitations.accept_new(
            **form.cleaned_data,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
    )
    if joined is None:
        return _offer(request, form)
    response = done(request, f"Welcome to {joined.tenant.name}.", "console-home")
    cookies.give(request, response, joined.tokens)
    return response


@never_cache
@sensitive_post_parameters("token")
@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    """Accept as who is logged in, and go to the new workspace."""
    principal = principal_of(request)
    if principal is None or principal.user is None:
        return redirect("console-login")
    user, form, now = principal.user, TokenForm(request.POST), timezone.now()
    place = form.run(
        lambda: invitations.accept(
            token=form.cleaned_data["token"],
            user=user,
            ip=client_address(request),
            now=now,
        )
    )
    if place is None:
        return _ask(request, form)
    switching.switch(
        user=user,
        login_id=principal.credential_id,
        tenant_id=place.tenant.public_id,
        now=now,
    )
    return done(request, f"Welcome to {place.tenant.name}.", "console-home")


def _ask(request: HttpRequest, form: TokenForm) -> HttpResponse:
    context = {"form": form, "principal": principal_of(request)}
    return show(request, "console/invitation.html", context, status=form.status_code)


def _offer(request: HttpRequest, form: JoinForm) -> HttpResponse:
    asked = TokenForm(request.POST)
    found = asked.run(
        lambda: roster.invitation_behind(asked.cleaned_data["token"], now=timezone.now())
    )
    if found is None:
        return _ask(request, asked)
    principal = principal_of(request)
    person = principal.user if principal else None
    context = {
        "principal": principal,
        "invitation": found,
        "form": form,
        "fits": person is not None and person.email == found.email,
    }
    return show(request, "console/invitation_offer.html", context, status=form.status_code)


urlpatterns = [
    path("invitation", invitation, name="console-invitation"),
    path("invitation/look", look, name="console-invitation-look"),
    path("invitation/join", join, name="console-invitation-join"),
    path("invitation/accept", accept, name="console-invitation-accept"),
]
