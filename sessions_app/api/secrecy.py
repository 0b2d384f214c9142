"""Answers that link a device: whoever holds the code, has the account."""

from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sessions_app.api.images import KnownFormats, PngRenderer, SvgRenderer


class SecretView(APIView):
    """No cache may keep what this view answers."""

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Forbid every cache."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Cache-Control"] = "no-store"
        return answer


class PictureView(SecretView):
    """A code to scan, as text or as a picture."""

    renderer_classes = [JSONRenderer, PngRenderer, SvgRenderer]
    content_negotiation_class = KnownFormats
