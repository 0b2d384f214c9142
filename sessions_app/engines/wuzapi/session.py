"""What one session of a gateway can be asked, from the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_app.engines.base import EngineError
from sessions_app.engines.wuzapi import errors
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.client import Call
from sessions_app.engines.wuzapi.status import ALL_EVENTS, Status

if TYPE_CHECKING:
    from sessions_app.engines.webhooks import GatewayRef
    from sessions_app.engines.wuzapi.client import Transport


class SessionCalls:
    """One session, by its token. Every method may raise `EngineError`."""

    def __init__(self, transport: Transport, gateway: GatewayRef, session_id: str) -> None:
        self._transport = transport
        self._gateway = gateway
        self._session_id = session_id

    async def ask(self, method: str, path: str, body: Any = None, **limits: Any) -> Any:
        """Ask whatever there is; `limits` are those of `Call`."""
        headers = {"token": self._gateway.session_token}
        call = Call(method, path, headers, body, **limits)
        return await self._transport.ask_async(self._gateway.address, call)

    async def status(self) -> Status:
        """Return how the session is; old gateways refuse to say when it has no stream."""
        try:
            return Status.of(await self.ask("GET", "/session/status"))
        except EngineError as error:
            if error.code != errors.NO_SESSION:
                raise
            return Status(socket=False, logged_in=False)

    async def connect(self) -> None:
        """Start the stream; one that is up stays. Without `Immediate` it takes 10 s."""
        body = {"Subscribe": [ALL_EVENTS], "Immediate": True}
        await self._done_already({errors.ALREADY_CONNECTED}, "/session/connect", body)

    async def disconnect(self) -> None:
        """Drop the stream. The gateway forgets the subscriptions with it."""
        await self._done_already(errors.STREAM_IS_DOWN, "/session/disconnect", {})

    async def logout(self) -> None:
        """Unlink the device."""
        await self.ask("POST", "/session/logout", {})

    async def be_unavailable(self) -> None:
        """Have the account look absent, so that its phone goes on to notify."""
        await self.ask("POST", "/user/presence", {"type": "unavailable"})

    async def use_proxy(self, url: str) -> None:
        """Have the next stream take this way; "" for the direct one."""
        await self.ask("POST", "/session/proxy", {"proxy_url": url, "enable": bool(url)})

    async def sign(self) -> None:
        """Have the gateway sign this session's webhooks."""
        await self.ask("POST", "/session/hmac/config", {"hmac_key": self._gateway.hmac_key})

    async def subscribe(self) -> None:
        """Have everything posted to us, and see that it is so.

        Both connecting and disconnecting change what is subscribed, and a webhook that is set
        without events ends all of them: so it is set with them, after every connect.
        """
        for _ in range(2):
            await self._set_webhook()
            if await self._hears_all():
                return
        raise EngineError(
            "The gateway does not keep what we subscribe to.",
            retryable=True,
            code="not_subscribed",
        )

    async def qr_picture(self) -> str:
        """Return the code to scan as a data URL; "" when there is none to scan now."""
        try:
            answer = await self.ask("GET", "/session/qr")
        except EngineError as error:
            if error.code in errors.STREAM_IS_DOWN | {errors.ALREADY_PAIRED}:
                return ""
            raise
        return read.text(answer, "QRCode")

    async def own_jid(self) -> str:
        """Return the account's JID from the list: old versions tell it nowhere else."""
        headers = {"Authorization": self._gateway.admin_token}
        call = Call("GET", "/admin/users", headers)
        users = await self._transport.ask_async(self._gateway.address, call)
        for user in users if isinstance(users, list) else []:
            if read.text(user, "name") == self._session_id:
                return read.jid(user, "jid")
        return ""

    async def _set_webhook(self) -> None:
        url = self._gateway.webhook_url
        try:
            body = {"webhook": url, "events": [ALL_EVENTS], "active": True}
            await self.ask("PUT", "/webhook", body)
        except EngineError as error:
            if error.code != errors.MISSING_ROUTE:
                raise
            await self.ask("POST", "/webhook", {"webhookurl": url, "events": [ALL_EVENTS]})

    async def _hears_all(self) -> bool:
        answer = await self.ask("GET", "/webhook")
        subscribed = read.pick(answer, "subscribe", "events") or []
        if isinstance(subscribed, str):
            subscribed = subscribed.split(",")
        url = read.text(answer, "webhook")
        return url == self._gateway.webhook_url and ALL_EVENTS in subscribed

    async def _done_already(
        self, codes: set[str] | frozenset[str], path: str, body: Any
    ) -> None:
        try:
            await self.ask("POST", path, body)
        except EngineError as error:
            if error.code not in codes:
                raise
