"""`POST /internal/users/bulk`: many users in one request, a row each."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DataError, IntegrityError, OperationalError
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core import errors
from orsta.core.api import ndjson
from orsta.core.api.schema import IDEMPOTENCY
from subscriptions.api.internal import serializers
from subscriptions.api.internal.base import TAGS, UserView, source_of_row
from subscriptions.api.internal.users import promise_of
from subscriptions.services import partners
from subscriptions.services.partners import Kept, Promise

BATCH = 500  # rows per transaction: a lock is held for some hundred milliseconds


class InvalidRow(errors.Invalid):
    """A line of the body makes no sense."""

    code = "invalid_input"


class RowNotWritten(errors.Unavailable):
    """The database was busy: nothing of this row was kept, so send it again."""

    code = "row_not_written"


@dataclass(frozen=True, slots=True)
class Row:
    """A good row and its place in the body."""

    line: int
    promise: Promise


class UserBulk(UserView):
    """Many users at once."""

    parser_classes = [ndjson.NdjsonParser]
    renderer_classes = [ndjson.NdjsonRenderer, JSONRenderer]

    @extend_schema(
        operation_id="internal_users_bulk",
        tags=TAGS,
        summary="Make or renew many users",
        description=f"A JSON object per line, as `POST /internal/users` takes it, up to "
        f"{ndjson.MAX_ROWS:,} lines. The answer has a line for each, in their order: `line`, "
        "`user_id`, `status` (`created`, `updated` or `failed`), `api_key` of a new user, and "
        "for what failed `code`, `detail` and `fields`. A bad line stops no other. Rows are "
        f"written {BATCH} at a time; with an `Idempotency-Key`, all of them together.",
        parameters=[IDEMPOTENCY],
        request={ndjson.MEDIA_TYPE: OpenApiTypes.STR},
        responses={(200, ndjson.MEDIA_TYPE): OpenApiTypes.STR},
    )
    def post(self, request: Request) -> Response:
        """Make or renew all of them."""
        rows: Any = request.data
        return self.once(request, lambda: Response(self._carry_out(rows)), secrets=("api_key",))

    def _carry_out(self, values: list[Any]) -> list[dict[str, Any]]:
        answers: dict[int, dict[str, Any]] = {}
        good: list[Row] = []
        form = serializers.UserInput()
        for line, value in enumerate(values, start=1):
            try:
                good.append(Row(line, self._promise(value, form)))
            except errors.DomainError as error:
                answers[line] = _failed(line, value, error)
        for batch in _batches(good):
            answers |= self._write(batch)
        return [answers[line] for line in sorted(answers)]

    def _promise(self, value: Any, form: serializers.UserInput) -> Promise:
        """Return what a line asks for.

        :param form: the same for every line; a new one costs more than what it checks.
        :raises DomainError: it asks for nothing that makes sense, or is not allowed.
        """
        if not isinstance(value, dict):
            raise InvalidRow("This line is not a JSON object.")
        try:
            fields = form.run_validation(value)
        except ValidationError as error:
            raise InvalidRow(
                "The input has errors; see the fields.", fields=error.detail
            ) from error
        source = source_of_row(self.service, fields.get("source", ""))
        return promise_of(fields, source=source)

    def _write(self, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
        """Write a batch; if one of its rows is refused, each half by itself, down to that row.

        Whatever fails is an answer too: keys of the rows before are told only here.
        """
        try:
            kept = partners.upsert_many(
                promises=[row.promise for row in rows], actor=self.actor, now=timezone.now()
            )
        except OperationalError as error:
            return {row.line: _failed(row.line, _name(row), _refusal(error)) for row in rows}
        except (errors.DomainError, IntegrityError, DataError) as error:
            if len(rows) == 1:
                return {rows[0].line: _failed(rows[0].line, _name(rows[0]), _refusal(error))}
            middle = len(rows) // 2
            return self._write(rows[:middle]) | self._write(rows[middle:])
        return {row.line: _done(row, one) for row, one in zip(rows, kept, strict=True)}


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while batch := list(itertools.islice(waiting, BATCH)):
        yield batch


def _done(row: Row, kept: Kept) -> dict[str, Any]:
    return {
        "line": row.line,
        "user_id": row.promise.user_id,
        "status": "created" if kept.created else "updated",
        "api_key": kept.api_key,
    }


def _failed(line: int, value: Any, error: errors.DomainError) -> dict[str, Any]:
    user_id = value.get("user_id") if isinstance(value, dict) else None
    return {
        "line": line,
        "user_id": user_id if isinstance(user_id, str) else "",
        "status": "failed",
        "api_key": "",
        "code": error.code,
        "detail": error.message,
        **error.details,
    }


def _name(row: Row) -> dict[str, str]:
    return {"user_id": row.promise.user_id}


def _refusal(error: Exception) -> errors.DomainError:
    """Return what may be told: the database's own words are not for callers."""
    if isinstance(error, errors.DomainError):
        return error
    if isinstance(error, OperationalError):
        return RowNotWritten("The service is busy; send this row again.")
    return InvalidRow("This row can't be stored.")
