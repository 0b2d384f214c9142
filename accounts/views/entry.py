"""The pages in front of the console: sign up, log in, log out."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import forms
from accounts.api import cookies
from accounts.api.base import user_agent
from accounts.services import ceremonies, login, signup
from accounts.views.pages import safe_target, show, token_of
from orsta.core.api.addresses import client_address


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Create an account; the answer is the one page that shows the API key."""
    form = forms.SignUpForm(request.POST or None)
    signed_up = form.run(
        lambda: signup.sign_up(
            **form.cleaned_data,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
    )
    if signed_up is None:
        return show(request, "console/signup.html", {"form": form}, status=form.status_code)
    context = {
        "principal": signed_up,
        "heading": f"Welcome, {signed_up.user.username}",
        "secret": signed_up.api_key,
    }
    response = show(request, "console/key_once.html", context, status=HTTPStatus.CREATED)
    cookies.give(request, response, signed_up.tokens)
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in, and go on to where the person wanted to go, or to the second factor."""
    form = forms.LogInForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    logged_in = form.run(
        lambda: login.log_in(
            name=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
    )
    if logged_in is not None:
        return _let_in(request, logged_in, form.cleaned_data["next"])
    if isinstance(form.refused, login.SecondFactorRequired):
        return _ask_for_code(request, form, form.refused)
    context = {
        "form": form,
        "passkey_origin": ceremonies.origin() if ceremonies.available() else "",
        "next": safe_target(request, str(form["next"].value() or "")),
    }
    return show(request, "console/login.html", context, status=form.status_code)


@never_cache
@sensitive_post_parameters("pending", "code")
@require_POST
def second_factor(request: HttpRequest) -> HttpResponse:
    """Go on with a login whose password was right."""
    form = forms.SecondFactorForm(request.POST)
    logged_in = form.run(
        lambda: login.finish(
            pending=form.cleaned_data["pending"],
            code=form.cleaned_data["code"],
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
    )
    if logged_in is not None:
        return _let_in(request, logged_in, form.cleaned_data["next"])
    return show(request, "console/second_factor.html", {"form": form}, status=form.status_code)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End this login everywhere; fine without one."""
    login.log_out(token=token_of(request), now=timezone.now())
    response = redirect("console-login")
    cookies.take(response)
    return response


def _let_in(request: HttpRequest, logged_in: login.LoggedIn, target: str) -> HttpResponse:
    response = redirect(safe_target(request, target))
    cookies.give(request, response, logged_in.tokens)
    return response


def _ask_for_code(
    request: HttpRequest, form: forms.LogInForm, refused: login.SecondFactorRequired
) -> HttpResponse:
    """Show the second step; what proves the first one is in the form, in no address."""
    known = {"pending": refused.details["pending"], "next": form.cleaned_data["next"]}
    step = forms.SecondFactorForm(initial=known)
    return show(request, "console/second_factor.html", {"form": step})


urlpatterns = [
    path("signup", sign_up, name="console-signup"),
    path("login", log_in, name="console-login"),
    path("login/second-factor", second_factor, name="console-second-factor"),
    path("logout", log_out, name="console-logout"),
]
