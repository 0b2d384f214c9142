"""The cookies of a login: what the API and the console give browsers, and take back."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils.cache import add_never_cache_headers

from accounts import authentication
from accounts.services.tokens import REFRESH_LIFETIME, Tokens

REFRESH_COOKIE = "orsta_refresh"
REFRESH_PATH = "/auth/refresh"  # browsers send it nowhere else


def give(request: HttpRequest, response: HttpResponse, tokens: Tokens) -> None:
    """Let the browser carry a login; the answer stays out of caches."""
    authentication.give_cookie(response, tokens.access)
    _set_refresh(response, tokens.refresh, max_age=int(REFRESH_LIFETIME.total_seconds()))
    rotate_token(request)  # pages that use the cookie need a CSRF token from now on
    add_never_cache_headers(response)


def take(response: HttpResponse) -> None:
    """Make the browser forget its login."""
    authentication.take_cookie(response)
    _set_refresh(response, "", max_age=0)


def _set_refresh(response: HttpResponse, value: str, *, max_age: int) -> None:
    response.set_cookie(
        REFRESH_COOKIE,
        value,
        max_age=max_age,
        path=REFRESH_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
