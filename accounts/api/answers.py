"""Answers that stay out of caches: of a login in whichever way, of what one person may see."""

from typing import Any

from django.utils.cache import add_never_cache_headers
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import cookies, serializers
from accounts.services.login import LoggedIn
from accounts.services.signup import SignedUp


def logged_in(request: Request, opened: LoggedIn) -> Response:
    """Return the shape of a login with the API key masked, and give its cookies."""
    return _answer(request, opened, opened.api_key_masked, status.HTTP_200_OK)


def signed_up(request: Request, opened: SignedUp) -> Response:
    """Return the same shape with the API key in full, for the only time."""
    return _answer(request, opened, opened.api_key, status.HTTP_201_CREATED)


def private(shape: dict[str, Any], code: int = status.HTTP_200_OK) -> Response:
    """Answer with what only this person may see."""
    response = Response(shape, code)
    add_never_cache_headers(response)
    return response


def _answer(request: Request, opened: LoggedIn | SignedUp, eakey: str, code: int) -> Response:
    members = {"tokens": opened.tokens, "user": opened.user, "eakey": eakey}
    response = Response(serializers.LoginOutput(members).data, code)
    cookies.give(request, response, opened.tokens)
    return response
