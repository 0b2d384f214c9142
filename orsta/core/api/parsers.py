"""Request bodies: JSON, in UTF-8, of a bounded size."""

import json
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant


class BodyTooLarge(APIException):
    """The body is over `DATA_UPLOAD_MAX_MEMORY_SIZE`."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class JsonBodyParser(BaseParser):
    """Reads no more than the limit, and refuses what the standard parser would stumble over.

    The `charset` parameter is ignored: JSON is UTF-8 (RFC 8259, section 8.1), and Python would
    take names such as `zlib` for a charset. Deep nesting is a 400 here, not a RecursionError.
    Not derived from DRF's `JSONParser`: DRF hands that one a body it has read already.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """Return the value of the body.

        :raises BodyTooLarge: more bytes than the limit.
        :raises ParseError: not JSON, or not UTF-8.
        """
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(f"The body may have up to {limit} bytes.")
        try:
            return json.loads(raw.decode(), parse_constant=strict_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not valid JSON.") from error
