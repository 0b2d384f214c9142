"""Outermost middleware: trace id, access log, request metrics."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from orsta.core.observability import metrics, tracing

logger = logging.getLogger("orsta.access")
HEADER = "X-Request-Id"
# A label for everything else: callers may invent methods, and each would be a new series.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TraceMiddleware:
    """Accepts or makes a request id, answers it, and reports the request once it is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        trace_id = tracing.start(request.headers.get(HEADER))
        response = self._get_response(request)
        response.headers[HEADER] = trace_id
        self._report(request, response, time.perf_counter() - started)
        return response

    def _report(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "(none)"
        method = request.method if request.method in _METHODS else "other"
        metrics.REQUESTS.labels(method, route, response.status_code).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)
        # The route, not the path or query: these may carry ids and secrets.
        logger.info(
            "Request",
            extra={
                "method": method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
            },
        )
