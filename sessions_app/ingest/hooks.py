"""Where gateways post what happened in their sessions."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import Counter
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core import errors, limits
from orsta.core.api.parsers import BodyTooLarge
from orsta.core.api.throttling import ThrottledView, by_address
from sessions_app.engines.webhooks import WebhookRequest
from sessions_app.services import hooks

MAX_BYTES = 2 * 1024 * 1024  # media never comes along; histories come in chunks of 1 MB
TAKEN = "taken"
WEBHOOKS = Counter("orsta_engine_webhooks", "Webhooks of gateways", ["outcome"])


class EngineHook(ThrottledView):
    """Answers at once: what is posted is kept as a row, and its runner is woken.

    Nobody logs in here; the signature is all that is believed.
    """

    authentication_classes = []
    permission_classes = []

    def buckets(self, request: Request) -> list[limits.Bucket]:
        """Count by address; one gateway may post for hundreds of sessions."""
        return [by_address("gateway_address", request)]

    @extend_schema(exclude=True)
    def post(self, request: Request, gateway_id: str) -> Response:
        """Keep one webhook, once."""
        posted = WebhookRequest(
            body=_body(request),
            content_type=request.content_type,
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        with _counted():
            hooks.accept(gateway_id=gateway_id, request=posted, now=timezone.now())
        return Response({"ok": True})


def _body(request: Request) -> bytes:
    """Return the bytes as they came: the signature is over them.

    :raises BodyTooLarge: there are more than anything honest has.
    """
    raw = request.stream.read(MAX_BYTES + 1) if request.stream else b""
    if len(raw) > MAX_BYTES:
        raise BodyTooLarge(f"The body may have up to {MAX_BYTES} bytes.")
    return raw


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except errors.DomainError as error:
        WEBHOOKS.labels(error.code).inc()
        raise
    WEBHOOKS.labels(TAKEN).inc()
