"""What every page of the console shares: who may see it, how it is shown, how it refuses."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from accounts import authentication, selectors
from accounts.models import User
from accounts.principal import Principal
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
        principal = principal_of(request)
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


def done(request: HttpRequest, sentence: str, page_name: str, *args: str) -> HttpResponse:
    """Go to a page of the console, which says what was done."""
    messages.success(request, sentence)
    return redirect(page_name, *args)


def person_of(request: ConsoleRequest) -> User:
    """Return who is logged in, on a page that lets nobody else in."""
    user = request.principal.user
    assert user is not None, "the console's cookie is a person's login"  # noqa: S101
    return user


def token_of(request: HttpRequest) -> str:
    """Return the login token in the cookie, "" without one."""
    return request.COOKIES.get(authentication.COOKIE, "")


def principal_of(request: HttpRequest) -> Principal | None:
    """Return who is logged in."""
    return selectors.principal_of_token(token_of(request), now=timezone.now())


def safe_target(request: HttpRequest, target: str) -> str:
    """Return `target` if it is a path of ours: anybody can write a link with `?next=`."""
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else reverse("console-home")


def _to_login(request: HttpRequest) -> HttpResponse:
    # After a POST there is nothing to come back to.
    back = request.get_full_path() if request.method == "GET" else reverse("console-home")
    return redirect(f"{reverse('console-login')}?{urlencode({'next': back})}")


def _refusal(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    missing = isinstance(error, errors.Missing)
    context = {
        "heading": "Not found" if missing else "That did not work",
        "sentence": error.message,
    }
    return show(request, "console/error.html", context, status=status_of(type(error)))
