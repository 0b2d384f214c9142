"""Views that say who was let in."""

from typing import ClassVar

from django.urls import path
from rest_framework.response import Response

from accounts.api.base import ServiceAPIView, TenantAPIView
from accounts.permissions import HasPrincipal, HasScope, IsPerson


class Echo(TenantAPIView):
    """Says who was let in; PUT was left without a scope by mistake."""

    required_scope: ClassVar = {"GET": "messages:read", "POST": "messages:write"}

    def get(self, request):
        return Response({"tenant": self.tenant.public_id, "kind": self.principal.kind})

    def post(self, request):
        return self.once(request, lambda: Response({"made": request.data}, 201))

    def put(self, request):
        raise AssertionError("never reached")


class PeopleOnly(Echo):
    permission_classes: ClassVar = [HasPrincipal, IsPerson, HasScope]


class Internal(ServiceAPIView):
    """Says which service was let in."""

    def get(self, request):
        return Response({"source": request.auth.source})


urlpatterns = [
    path("echo", Echo.as_view()),
    path("people", PeopleOnly.as_view()),
    path("internal", Internal.as_view()),
]
