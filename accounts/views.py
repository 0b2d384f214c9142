"""The console's pages about people, and what every page of the console shares."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import authentication, forms, selectors
from accounts.api.base import client_address, user_agent
from accounts.models import ApiKeyStatus
from accounts.principal import Principal
from accounts.services import keys, login, signup
from orsta.core import errors
from orsta.core.api.errors import status_of

P = ParamSpec("P")


class ConsoleRequest(HttpRequest):
    """A request of somebody who is logged in."""

    principal: Principal


def page(
    view: Callable[Concatenate[ConsoleRequest, P], HttpResponse],
) -> Callable[Concatenate[ConsoleRequest, P], HttpResponse]:
    """Let only people in who are logged in, keep the answer out of caches, show refusals."""

    @wraps(view)
    def guarded(request: ConsoleRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        principal = _principal_of(request)
        if principal is None:
            return _to_login(request)
        request.principal = principal
        try:
            return view(request, *args, **kwargs)
        except errors.DomainError as error:
            return _refusal(request, error)

    return never_cache(guarded)


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page of the console for whoever is logged in."""
    principal = getattr(request, "principal", None)
    return render(request, template, {"principal": principal, **context}, status=status)


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
        "key_active": False,
    }
    response = show(request, "console/key_once.html", context, status=HTTPStatus.CREATED)
    return _let_in(request, response, signed_up.token)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in, and go on to where the person wanted to go."""
    form = forms.LogInForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    logged_in = form.run(
        lambda: login.log_in(
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
    )
    if logged_in is None:
        return show(request, "console/login.html", {"form": form}, status=form.status_code)
    target = redirect(_safe(request, form.cleaned_data["next"]))
    return _let_in(request, target, logged_in.token)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End this login everywhere; fine without one."""
    login.log_out(token=_token_of(request), now=timezone.now())
    response = redirect("console-login")
    authentication.take_cookie(response)
    return response


@require_POST
@page
def rotate_key(request: ConsoleRequest) -> HttpResponse:
    """Replace the API key; the answer is the one page that shows the new one."""
    principal = request.principal
    issued = keys.rotate(tenant=principal.tenant, user=principal.user, now=timezone.now())
    context = {
        "heading": "Your new API key",
        "secret": issued.text,
        "key_active": issued.row.status == ApiKeyStatus.ACTIVE,
        "active": "billing",
    }
    return show(request, "console/key_once.html", context)


def _token_of(request: HttpRequest) -> str:
    return request.COOKIES.get(authentication.COOKIE, "")


def _principal_of(request: HttpRequest) -> Principal | None:
    return selectors.principal_of_token(_token_of(request), now=timezone.now())


def _to_login(request: HttpRequest) -> HttpResponse:
    # After a POST there is nothing to come back to.
    back = request.get_full_path() if request.method == "GET" else reverse("console-home")
    return redirect(f"{reverse('console-login')}?{urlencode({'next': back})}")


def _safe(request: HttpRequest, target: str) -> str:
    """Return `target` if it is a path of ours: anybody can write a link with `?next=`."""
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else reverse("console-home")


def _let_in(request: HttpRequest, response: HttpResponse, token: str) -> HttpResponse:
    authentication.give_cookie(response, token)
    rotate_token(request)
    return response


def _refusal(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    missing = isinstance(error, errors.Missing)
    context = {
        "heading": "Not found" if missing else "That did not work",
        "sentence": error.message,
    }
    return show(request, "console/error.html", context, status=status_of(type(error)))


urlpatterns = [
    path("signup", sign_up, name="console-signup"),
    path("login", log_in, name="console-login"),
    path("logout", log_out, name="console-logout"),
    path("key/rotate", rotate_key, name="console-key-rotate"),
]
