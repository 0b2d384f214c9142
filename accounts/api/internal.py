"""`/internal`: for sibling services."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import serializers
from accounts.api.base import ServiceAPIView


class InternalMe(ServiceAPIView):
    """The calling service about itself."""

    @extend_schema(responses=serializers.InternalMeOutput, tags=["internal"])
    def get(self, request: Request) -> Response:
        """Return whether the key is bound to one source, and to which."""
        source = self.service.source
        mode = "scoped" if source else "global"
        return Response({"auth": {"mode": mode, "source_service": source}})
