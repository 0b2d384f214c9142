"""The engine `wuzapi`: sessions in gateways of WuzAPI and of its fork genfity-wa.

A gateway keeps the streams to WhatsApp and posts what comes to our webhook; see
https://github.com/asternic/wuzapi/blob/main/API.md. It says much with "500" and a text, and
some of what it stores it forgets again; the modules beside this one say where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sessions_app.engines.base import Engine, EngineError
from sessions_app.engines.capabilities import EVERY_MESSAGE, Capability
from sessions_app.engines.wuzapi import errors, webhooks
from sessions_app.engines.wuzapi.admin import Admin
from sessions_app.engines.wuzapi.client import SILENCE_SECONDS, TIMEOUT_SECONDS, Transport
from sessions_app.engines.wuzapi.connection import WuzapiConnection
from sessions_app.engines.wuzapi.session import SessionCalls
from sessions_app.engines.wuzapi.stream import Stream

if TYPE_CHECKING:
    from sessions_app.engines.base import EventSink, SessionRef
    from sessions_app.engines.webhooks import (
        GatewayRef,
        GatewayReport,
        WebhookCall,
        WebhookRequest,
    )
    from sessions_app.engines.wuzapi.status import Status

POLL_SECONDS = 5.0  # while a session is not connected


class WuzapiEngine(Engine):
    """Needs `SessionRef.gateway`.

    :param poll_seconds: how often a gateway is asked about a session that is not connected.
    :param timeout_seconds: for one call.
    :param silence_seconds: between two calls to a gateway that does not answer.
    :param trust_unsigned: also take gateways too old to sign their webhooks, and webhooks
        without a signature; only where nobody else reaches our hook.
    """

    name: ClassVar[str] = "wuzapi"
    capabilities: ClassVar[frozenset[Capability]] = EVERY_MESSAGE | {
        Capability.PAIR_QR,
        Capability.PAIR_CODE,
        Capability.CLIENT_MESSAGE_ID,
        Capability.CONTACTS,
        Capability.CONNECTION_EVENTS,
        Capability.PRESENCE,
        Capability.HISTORY,
        Capability.GROUPS,
        Capability.CHECK_NUMBERS,
        Capability.PER_SESSION_PROXY,
        Capability.GATEWAY,
    }

    def __init__(
        self,
        *,
        poll_seconds: float = POLL_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        trust_unsigned: bool = False,
    ) -> None:
        self._poll_seconds = poll_seconds
        self._trust_unsigned = trust_unsigned
        self._transport = Transport(timeout=timeout_seconds, silence_seconds=silence_seconds)

    def provision(self, ref: SessionRef) -> None:
        """Create the session in its gateway, and have its webhooks signed.

        :raises EngineError: among others when the gateway is too old to sign.
        """
        admin = Admin(self._transport, _gateway(ref))
        admin.create(ref.session_id)
        try:
            admin.sign()
        except EngineError as error:
            if error.code != errors.MISSING_ROUTE or not self._trust_unsigned:
                raise

    def purge(self, ref: SessionRef) -> None:
        """Log the device out and remove the session from its gateway."""
        Admin(self._transport, _gateway(ref)).remove(ref.session_id)

    async def connect(self, ref: SessionRef, sink: EventSink) -> WuzapiConnection:
        """Have the gateway open the stream, or go on with the one that it has."""
        calls = SessionCalls(self._transport, _gateway(ref), ref.session_id)
        pool = self._transport.pool()
        pool.enter()
        try:
            await self._open(calls, ref)
        except BaseException:
            await pool.leave()
            raise
        stream = Stream(calls, sink, poll_seconds=self._poll_seconds)
        stream.start()
        return WuzapiConnection(calls, stream, pool, ref.options)

    def read_webhook(self, request: WebhookRequest) -> WebhookCall:
        """Read what a gateway posted, without believing it."""
        return webhooks.parse(request)

    def verify_webhook(self, request: WebhookRequest, gateway: GatewayRef) -> bool:
        """Say whether the session's gateway signed these bytes."""
        if self._trust_unsigned and webhooks.SIGNATURE_HEADER not in request.headers:
            return True
        return webhooks.is_signed(request, gateway)

    def survey(self, gateway: GatewayRef) -> GatewayReport:
        """Ask a gateway for itself and all its sessions."""
        return Admin(self._transport, gateway).survey()

    async def _open(self, calls: SessionCalls, ref: SessionRef) -> None:
        """Bring the session up as it should be: signed, over its proxy, telling us all."""
        status = await calls.status()
        if status.signs is False:
            await calls.sign()
        if status.socket and _takes_another_way(status, ref):
            await calls.disconnect()
            # Refused while the stream still stands: better none than one on the wrong way.
            await calls.use_proxy(ref.proxy)
        elif not status.socket and (ref.proxy or status.proxy):
            await calls.use_proxy(ref.proxy)
        await calls.connect()
        await calls.subscribe()


def _takes_another_way(status: Status, ref: SessionRef) -> bool:
    return status.proxy is not None and status.proxy != ref.proxy


def _gateway(ref: SessionRef) -> GatewayRef:
    if ref.gateway is None:
        raise EngineError("The session has no gateway.", code="no_gateway")
    return ref.gateway
