"""Keyset pagination: a cursor is a place in the list, so pages neither repeat nor skip rows."""

import base64
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from orsta.core import crypto, errors

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_CONTEXT = "cursor"


class BadCursor(errors.Invalid):
    """The cursor is not one of ours; start without it."""

    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """One page and the cursor of the next one; None when this is the last."""

    items: list[Any]
    next_cursor: str | None


PARAMETERS = [
    OpenApiParameter(
        "cursor", OpenApiTypes.STR, description="`next_cursor` of the page before this one."
    ),
    OpenApiParameter(
        "limit",
        OpenApiTypes.INT,
        description=f"Rows per page, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if absent.",
    ),
]


def paginate(
    queryset: QuerySet[Any], request: Request, *, field: str = "pk", descending: bool = True
) -> Page:
    """Return the page that the request's `cursor` and `limit` ask for.

    :param field: a unique, indexed column that orders the list.
    :raises BadCursor: the cursor was not made here.
    """
    limit = _limit(request)
    cursor = request.query_params.get("cursor")
    if cursor:
        side = "lt" if descending else "gt"
        queryset = queryset.filter(**{f"{field}__{side}": decode(cursor)})
    ordered = queryset.order_by(f"-{field}" if descending else field)
    rows = list(ordered[: limit + 1])
    more = len(rows) > limit
    page = rows[:limit]
    return Page(page, encode(getattr(page[-1], field)) if more else None)


def encode(value: object) -> str:
    """Return the cursor for a key value; encrypted, because keys count our rows."""
    sealed = crypto.encrypt(str(value), context=_CONTEXT)
    return base64.urlsafe_b64encode(sealed.encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Undo `encode` for an integer key.

    :raises BadCursor: it was not made by `encode`.
    """
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        sealed = base64.urlsafe_b64decode(padded.encode()).decode()
        return int(crypto.decrypt(sealed, context=_CONTEXT))
    except (InvalidTag, KeyError, ValueError) as error:
        raise BadCursor("This cursor is not valid; start again without one.") from error


def _limit(request: Request) -> int:
    try:
        asked = int(request.query_params.get("limit", DEFAULT_LIMIT))
    except ValueError:
        return DEFAULT_LIMIT
    return min(max(asked, 1), MAX_LIMIT)
