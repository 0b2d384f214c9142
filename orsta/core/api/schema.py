"""OpenAPI: the error shape on every operation, and the headers that they share."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from orsta.core.api.throttling import HEADER, POLICY_HEADER, ThrottledView

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Sent again with the same body, the request has one effect and one answer.",
)


RETRY_AFTER = "Retry-After"
# Components of the description; every answer refers to them.
HEADERS = {
    POLICY_HEADER: {
        "description": "The limits that the call counted in: how much (`q`) in how many "
        "seconds (`w`).",
        "schema": {"type": "string", "example": '"standard_read";q=120;w=60'},
    },
    HEADER: {
        "description": "What is left of each (`r`), and in how many seconds all of it is there "
        "again (`t`). Absent while calls are not counted.",
        "schema": {"type": "string", "example": '"standard_read";r=118;t=41'},
    },
    RETRY_AFTER: {
        "description": "How many seconds to wait before the call is worth repeating; with 429 "
        "and 503.",
        "schema": {"type": "integer", "example": 41},
    },
}


class Problem(serializers.Serializer[Any]):
    """RFC 9457 problem document, `application/problem+json`."""

    type = serializers.CharField(help_text="Where the code is explained.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="One sentence for a person.")
    error = serializers.CharField(help_text="The same sentence.")
    code = serializers.CharField(help_text="A stable slug for programs.")
    trace_id = serializers.CharField(help_text="Quote it when you report a problem.")
    fields = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="Per field, what is wrong with the input."
    )


class ProblemSchema(AutoSchema):
    """Adds the problem document as every operation's default answer, and the headers."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(Problem(), direction)
        bodies["default"] = {
            "description": "Anything that went wrong",
            "content": {"application/problem+json": {"schema": component.ref}},
            "headers": _refer(RETRY_AFTER),
        }
        if isinstance(self.view, ThrottledView):
            for body in bodies.values():
                body["headers"] = body.get("headers", {}) | _refer(POLICY_HEADER, HEADER)
        return bodies


def _refer(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def add_headers(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Describe the headers once: a post-processing hook."""
    result["components"]["headers"] = HEADERS
    return result
