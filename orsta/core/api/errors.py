"""Every failure of the API in one shape: RFC 9457 problem documents.

`type, title, status, detail` as the RFC has them, plus `error` (the sentence again, for
clients of the systems before), `code` (a stable slug), `trace_id`, and `fields` for input.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from orsta.core import errors
from orsta.core.observability import tracing

logger = logging.getLogger(__name__)
_E = TypeVar("_E", bound=Exception)
CONTENT_TYPE = "application/problem+json"

STATUS: dict[type[errors.DomainError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.PaymentRequired: 402,
    errors.Denied: 403,
    errors.Missing: 404,
    errors.Conflict: 409,
    errors.Mismatch: 422,
    errors.LimitReached: 429,
    errors.UpstreamFailed: 502,
    errors.Unavailable: 503,
}
TITLES = {
    400: "Invalid request",
    401: "Not authenticated",
    402: "Payment required",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Does not match",
    429: "Too many requests",
    500: "Server error",
    502: "Upstream failed",
    503: "Temporarily unavailable",
}


class DatabaseAway(errors.Unavailable):
    """The database is down, restarting or overloaded: ask again, with the key as before.

    Nobody knows whether a commit that broke off was done; `Idempotency-Key` makes it harmless.
    """


def status_of(error: type[errors.DomainError]) -> int:
    """Return the HTTP status of an anticipated failure, by its category."""
    return next(code for kind, code in STATUS.items() if issubclass(error, kind))


def problem(*, status_code: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """Return the problem document."""
    return {
        "type": f"/docs/errors#{code}",
        "title": TITLES.get(status_code, "Error"),
        "status": status_code,
        "detail": detail,
        "error": detail,
        "code": code,
        "trace_id": tracing.current(),
        **members,
    }


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets an unanticipated exception become a 500."""
    if isinstance(exc, errors.DomainError):
        set_rollback()
        return _domain_response(exc)
    if isinstance(exc, OperationalError):
        logger.error("Database unavailable", exc_info=exc)
        return _domain_response(DatabaseAway("The service is busy; try again.", retry_after=2))
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return None
    answer = _respond(_of_drf(exc, response.status_code), response.status_code)
    for name, value in response.headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    return answer


def _domain_response(exc: errors.DomainError) -> Response:
    code = status_of(type(exc))
    details = dict(exc.details)
    retry_after = details.pop("retry_after", None)
    response = _respond(
        problem(status_code=code, code=exc.code, detail=exc.message, **details), code
    )
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if code == status.HTTP_401_UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="orsta"'
    return response


def _of_drf(exc: exceptions.APIException, status_code: int) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        return problem(
            status_code=status_code,
            code="invalid_input",
            detail="The input has errors; see the fields.",
            fields=exc.detail
            if isinstance(exc.detail, dict)
            else {"non_field_errors": exc.detail},
        )
    code = str(exc.default_code)
    return problem(status_code=status_code, code=code, detail=str(exc.detail))


def _respond(body: dict[str, Any], status_code: int) -> Response:
    return Response(body, status_code, content_type=CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class Code:
    """One value of a problem's `code`, as the documentation lists it."""

    code: str
    status: int
    title: str
    meaning: str


def catalog() -> list[Code]:
    """Return every code there is, by status: ours by their docstrings, then DRF's."""
    found = [
        Code("invalid_input", 400, TITLES[400], "The input has errors; see `fields`."),
        Code("server_error", 500, TITLES[500], "Our fault. Quote the trace id in a report."),
    ]
    for error in (child for kind in STATUS for child in (kind, *_descendants(kind))):
        number = status_of(error)
        meaning = (error.__doc__ or "").split("\n\n")[0]
        found.append(Code(error.code, number, TITLES[number], " ".join(meaning.split())))
    for refusal in _descendants(exceptions.APIException):
        if refusal is not exceptions.ValidationError and refusal.status_code in TITLES:
            number = refusal.status_code
            meaning = str(refusal.default_detail)
            found.append(Code(str(refusal.default_code), number, TITLES[number], meaning))
    unique = {row.code: row for row in reversed(found)}
    return sorted(unique.values(), key=lambda row: (row.status, row.code))


def _descendants(kind: type[_E]) -> Iterator[type[_E]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
