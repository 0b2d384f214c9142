"""What a gateway's admin can do: create sessions, remove them, list them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import GatewayReport, GatewaySession
from sessions_app.engines.wuzapi import errors
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.client import Call
from sessions_app.engines.wuzapi.status import ALL_EVENTS, Status

if TYPE_CHECKING:
    from sessions_app.engines.webhooks import GatewayRef
    from sessions_app.engines.wuzapi.client import Transport

# A survey's list holds a picture per session that shows a code.
_SURVEY_BYTES = 64 * 1024 * 1024


class Admin:
    """One gateway, by its admin token and, for `sign`, by a session's."""

    def __init__(self, transport: Transport, gateway: GatewayRef) -> None:
        self._transport = transport
        self._gateway = gateway

    def create(self, session_id: str) -> None:
        """Create a session, with our token and webhook. One that is there is left as it is.

        `hmacKey` is not given here: it would not be used before the gateway restarts. `sign`
        sets it where it counts.
        """
        body = {
            "name": session_id,
            "token": self._gateway.session_token,
            "webhook": self._gateway.webhook_url,
            "events": ALL_EVENTS,
        }
        try:
            self._ask("POST", "/admin/users", body)
        except EngineError as error:
            if error.code != errors.DUPLICATE or not self.ids_of(session_id):
                raise

    def sign(self) -> None:
        """Have the gateway sign this session's webhooks.

        :raises EngineError: it is too old to sign (code "missing_route").
        """
        body = {"hmac_key": self._gateway.hmac_key}
        headers = {"token": self._gateway.session_token}
        call = Call("POST", "/session/hmac/config", headers, body)
        self._transport.ask(self._gateway.address, call)

    def remove(self, session_id: str) -> None:
        """Log the session's device out and forget it; nothing happens when it is not there.

        Older gateways know no `/full`: there we log out first. Removing only the row would
        leave the token valid.
        """
        for user_id in self.ids_of(session_id):
            try:
                self._ask("DELETE", f"/admin/users/{user_id}/full")
            except EngineError as error:
                if error.code == errors.MISSING_ROUTE:
                    self._log_out()
                    self._ask("DELETE", f"/admin/users/{user_id}")
                elif error.code != errors.USER_MISSING:
                    raise

    def ids_of(self, session_id: str) -> list[str]:
        """Return the gateway's ids of a session: text or numbers, by version."""
        return [
            read.text(user, "id")
            for user in self._users()
            if read.text(user, "name") == session_id and read.text(user, "id").isalnum()
        ]

    def survey(self) -> GatewayReport:
        """Return the gateway's version and all its sessions, in one list call."""
        sessions = [_listed(user) for user in self._users()]
        return GatewayReport(version=self._version(), sessions=sessions)

    def _users(self) -> list[Any]:
        answer = self._ask("GET", "/admin/users", max_bytes=_SURVEY_BYTES)
        users = answer if isinstance(answer, list) else read.pick(answer, "users", "instances")
        if not isinstance(users, list):
            raise EngineError("This is no gateway of WuzAPI.", code="not_a_gateway")
        return users

    def _version(self) -> str:
        """Return the version; "" when it tells none: older ones have no `/health`."""
        try:
            answer = self._transport.ask(self._gateway.address, Call("GET", "/health", {}))
        except EngineError as error:
            if error.retryable:
                raise
            return ""
        return read.text(answer, "version")

    def _log_out(self) -> None:
        headers = {"token": self._gateway.session_token}
        try:
            self._transport.ask(self._gateway.address, Call("POST", "/session/logout", headers))
        except EngineError as error:
            if error.code not in errors.STREAM_IS_DOWN:
                raise

    def _ask(self, method: str, path: str, body: Any = None, **limits: int) -> Any:
        headers = {"Authorization": self._gateway.admin_token}  # bare, without "Bearer"
        return self._transport.ask(
            self._gateway.address, Call(method, path, headers, body, **limits)
        )


def _listed(user: Any) -> GatewaySession:
    """Return a row of the list; the token and the code that it holds stay out."""
    status = Status.of(user)
    return GatewaySession(read.text(user, "name"), status.live, status.payload())
