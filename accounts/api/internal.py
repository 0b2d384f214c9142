"""`/internal`: for sibling services."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers
from accounts.authentication import ServiceKeyAuthentication
from accounts.permissions import HasPrincipal


class ServiceAPIView(APIView):
    """A view for sibling services; no customer's credential opens it."""

    authentication_classes = [ServiceKeyAuthentication]
    permission_classes = [HasPrincipal]


class InternalMe(ServiceAPIView):
    """The calling service about itself."""

    @extend_schema(responses=serializers.InternalMeOutput, tags=["internal"])
    def get(self, request: Request) -> Response:
        """Return whether the key is bound to one source, and to which."""
        principal: Any = request.auth
        source = principal.source
        mode = "scoped" if source else "global"
        return Response({"auth": {"mode": mode, "source_service": source}})
