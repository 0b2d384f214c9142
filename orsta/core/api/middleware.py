"""Middleware of every request that needs to know where it comes from."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from orsta.core.api.addresses import client_address
from orsta.core.observability import origin


class OriginMiddleware:
    """Tells `origin` who calls from where, for as long as the request is served."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin.bind(client_address(request), request.headers.get("User-Agent", ""))
        try:
            return self._get_response(request)
        finally:
            origin.clear()
