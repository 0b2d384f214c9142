"""Newline-delimited JSON: many rows in one body, each good or bad by itself."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.utils.json import strict_constant

from orsta.core import errors
from orsta.core.api.parsers import BodyTooLarge

MEDIA_TYPE = "application/x-ndjson"
MAX_ROWS = 10_000
MAX_BYTES = 8 * 1024 * 1024  # a row of 800 bytes is a long one


class TooManyRows(errors.Invalid):
    """The body has more rows than are taken at once."""

    code = "too_many_rows"


class NdjsonParser(BaseParser):
    """Returns a list with the value of every line; None stands for a line that is not JSON.

    Empty lines are skipped. The bounds hold before anything is parsed.
    """

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """Return the rows as a list.

        :raises BodyTooLarge: more than `MAX_BYTES`.
        :raises TooManyRows: more than `MAX_ROWS`.
        """
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BodyTooLarge(f"The body may have up to {MAX_BYTES} bytes.")
        lines = [line for line in raw.splitlines() if line.strip()]
        if len(lines) > MAX_ROWS:
            raise TooManyRows(f"Send up to {MAX_ROWS:,} rows at once, not {len(lines):,}.")
        return [_value(line) for line in lines]


class NdjsonRenderer(BaseRenderer):
    """Writes one line per item of a list; a problem document stays JSON."""

    media_type = MEDIA_TYPE
    format = "ndjson"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the lines, each with its end."""
        one = JSONRenderer().render
        if not isinstance(data, list):
            return one(data)
        return b"".join(one(item) + b"\n" for item in data)


def _value(line: bytes) -> Any:
    try:
        return json.loads(line.decode(), parse_constant=strict_constant)
    except (ValueError, RecursionError):
        return None
