"""OpenAPI: the error shape on every operation, and the headers that many of them share."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Sent again with the same body, the request has one effect and one answer.",
)


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
    """Adds the problem document as every operation's default answer."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(Problem(), direction)
        bodies["default"] = {
            "description": "Anything that went wrong",
            "content": {"application/problem+json": {"schema": component.ref}},
        }
        return bodies
