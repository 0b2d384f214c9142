"""Take what gateways post: believe it only if the session's gateway signed it, then keep it."""

from datetime import datetime

from accounts.services import audit
from orsta.core import errors, limits
from sessions_app.engines import registry
from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import WebhookRequest
from sessions_app.models import Gateway, Session
from sessions_app.services import engine_refs, inbox
from sessions_app.states import DesiredState, GatewayState

# Whoever sends a thousand forgeries is written down once.
_AUDITED = limits.Policy("webhook_refused", limit=1, window_seconds=3_600)


class HookNotFound(errors.Missing):
    """No such gateway, or no such session in it."""

    code = "hook_not_found"


class NotAWebhook(errors.Invalid):
    """The gateway's engine posts nothing like this."""

    code = "not_a_webhook"


class BadSignature(errors.Unauthenticated):
    """The session's gateway did not sign this."""

    code = "bad_signature"


class GatewayNotTrusted(errors.Unavailable):
    """Staff put the gateway into quarantine."""

    code = "gateway_quarantined"


def accept(*, gateway_id: str, request: WebhookRequest, now: datetime) -> None:
    """Keep a webhook for the runner that holds its session: three queries, and no engine.

    :raises HookNotFound: no such gateway or session.
    :raises GatewayNotTrusted: the gateway is in quarantine; it may post again later.
    :raises NotAWebhook: it can't be read.
    :raises BadSignature: it is not signed, or wrongly.
    """
    gateway = Gateway.objects.filter(public_id=gateway_id).first()
    if gateway is None or gateway.engine not in registry.kinds():
        raise HookNotFound("There is no such session.")
    if gateway.state == GatewayState.QUARANTINED:
        raise GatewayNotTrusted("Nothing is taken from this gateway now.")
    engine = registry.engine(gateway.engine)
    try:
        call = engine.read_webhook(request)
    except EngineError as error:
        raise NotAWebhook("This is no webhook.") from error
    present = Session.objects.filter(gateway=gateway).exclude(desired=DesiredState.DELETED)
    session = present.filter(public_id=call.session_id).first()
    if session is None:
        raise HookNotFound("There is no such session.")
    place = engine_refs.place_of(gateway, secret=session.engine_secret)
    if not engine.verify_webhook(request, place):
        _note_forgery(gateway, session, now=now)
        raise BadSignature("The signature is missing or wrong.")
    inbox.receive(
        session_id=session.pk, dedupe_key=call.dedupe_key, payload=call.payload, now=now
    )


def _note_forgery(gateway: Gateway, session: Session, *, now: datetime) -> None:
    try:
        first = limits.hit(_AUDITED, gateway.public_id).allowed
    except limits.LimiterAway:
        return  # the metric counts it all the same
    if first:
        audit.record(
            action="gateway.webhook_refused",
            actor=audit.SYSTEM,
            now=now,
            target=gateway.public_id,
            session=session.public_id,
        )
