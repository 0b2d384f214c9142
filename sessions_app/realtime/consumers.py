"""The WebSocket: a frame is parsed, one action runs, an error becomes a frame."""

import logging
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from accounts import selectors as accounts
from orsta.core import errors
from orsta.core.api.errors import DatabaseAway
from orsta.core.observability import tracing
from sessions_app.realtime import actions, protocol
from sessions_app.realtime.protocol import CloseCode
from sessions_app.realtime.transport import Socket

logger = logging.getLogger(__name__)
# What the pushed events tell of.
PUSH_SCOPES = ("sessions:read", "messages:read")


class SessionConsumer(Socket):
    """`/ws`: the tenant's events as they happen, and actions on its sessions.

    `scope["principal"]` is who `accounts.websocket` let in.
    """

    def connect(self) -> None:
        """Accept, and say who this is and where the events stand."""
        self.accept()
        if not all(self.principal.allows(scope) for scope in PUSH_SCOPES):
            self.close(CloseCode.DENIED)
            return
        data = {**actions.identity(self.principal), "seq": self.stream.open()}
        self.send_json({"action": "connected", "data": data})

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle a text frame."""
        tracing.start()
        self.receive_json(protocol.decode(text_data or ""))

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Answer a frame; whatever goes wrong, the socket stays open."""
        try:
            if not self.is_valid():
                self.close(CloseCode.REVOKED)
                return
            frame = protocol.parse(content)
            reply = actions.run(actions.Caller(self.principal, self.stream), frame)
        except errors.DomainError as error:
            self.send_json(protocol.error(error, reply_to=content))
        except OperationalError as error:
            logger.warning("Database unavailable", extra={"reason": str(error)})
            away = DatabaseAway("The service is busy; try again.", retry_after=2)
            self.send_json(protocol.error(away, reply_to=content))
        except Exception:
            logger.exception("A frame failed")  # the edge of the process: nobody catches it
            self.send_json(protocol.server_error(reply_to=content))
        else:
            for text in reply.before:
                self.send(text_data=text)
            self.send_json(protocol.reply(reply.action, reply.data, reply_to=content))

    def is_valid(self) -> bool:
        """Say whether the credential still works."""
        return accounts.is_valid(self.principal, now=timezone.now())

    def is_still_valid(self) -> bool:
        """Say the same without what this process remembers of it."""
        accounts.forget(self.principal.credential_id)
        return self.is_valid()
