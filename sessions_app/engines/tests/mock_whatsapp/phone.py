"""An account's own telephone in a test's hands, and WhatsApp's grip on the account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyaileys.proto import WAProto_pb2 as proto

from sessions_app.engines.tests.mock_whatsapp import faults, history, traffic
from sessions_app.engines.tests.mock_whatsapp.world import PHONE, Ban

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.media import MediaHost
    from sessions_app.engines.tests.mock_whatsapp.nodes import Node
    from sessions_app.engines.tests.mock_whatsapp.server import Server
    from sessions_app.engines.tests.mock_whatsapp.telephone import (
        Heard,
        HeardReceipt,
        Telephone,
    )

TOO_MANY_PEOPLE = 101  # WhatsApp's code for a ban after messages to too many strangers
REACHOUT_LOCKED = 463  # new chats are locked for this account
WAIT_SECONDS = 20.0
POLL_SECONDS = 0.02


class Phone:
    """One account. Every call returns once the server has done it."""

    def __init__(self, server: Server, media: MediaHost, telephone: Telephone) -> None:
        self._server = server
        self._media = media
        self._telephone = telephone
        self._account = account = telephone.account
        self.number = account.number
        self.jid = account.jid
        self.lid = account.lid

    def scan(self, qr_text: str) -> None:
        """Link the client that shows this QR code.

        :raises QrCodeUnknown: when no connected client shows it.
        """
        self._call(self._server.lobby.scan(self._account, qr_text))

    def enter_code(self, code: str) -> None:
        """Link the client that shows this pairing code for this phone's number.

        :raises PairingCodeUnknown: when no client asked for a code for this number.
        :raises PairingCodeWrong: when it did, but its code is another one.
        """
        self._call(self._server.lobby.enter_code(self._account, code))

    def send_text(self, chat: str, text: str) -> str:
        """Write to a JID, a person's or a group's, and return the message's id."""
        return self.send(chat, proto.Message(conversation=text))

    def send(self, chat: str, message: proto.Message) -> str:
        return self._call(self._telephone.send(chat, message))

    def read(self, heard: Heard) -> None:
        """Tell the sender of a message that it was read."""
        sender = self._server.world.account(heard.sender)
        telephone = self._telephone
        self._call(telephone.acknowledge(heard.message_id, heard.chat, sender.lid, "read"))

    def type(self, chat: str, state: str = "composing") -> None:
        """Show "composing" or "paused" in a chat."""
        self._call(self._telephone.type(chat, state))

    def show_presence(self, kind: str = "available") -> None:
        """Come or go ("unavailable"), as those see it who watch this account."""
        self._call(traffic.show_presence(self._account, kind))

    def send_history(self, *chats: history.Chat) -> None:
        """Send past chats to the account's clients, as after they were linked."""
        self._call(history.send(self._telephone, self._media, list(chats)))

    def wait_message(self) -> Heard:
        """Return the next message that came here, and forget it."""
        return self._wait(self._telephone.messages)

    @property
    def messages(self) -> list[Heard]:
        """Return what came and nobody waited for yet."""
        return list(self._telephone.messages)

    def wait_receipt(self) -> HeardReceipt:
        return self._wait(self._telephone.receipts)

    def wait_typing(self) -> tuple[str, str]:
        """Return who typed (a number), and "composing" or "paused"."""
        return self._wait(self._telephone.typing)

    @property
    def undecryptable(self) -> list[str]:
        """Return the ids of the messages that came here and could not be opened."""
        return list(self._telephone.undecryptable)

    def hide_number(self) -> None:
        """From now on, others see this account by its LID alone."""
        self._account.hides_number = True

    def require_passkey(self) -> None:
        """From now on, answer scans with a passkey's challenge."""
        self._account.troubles.needs_passkey = True

    @property
    def linked_devices(self) -> list[str]:
        """Return the JIDs of the clients that are linked."""
        devices = list(self._account.devices.values())
        return [one.jid for one in devices if one.number != PHONE]

    @property
    def online_devices(self) -> list[str]:
        devices = list(self._account.devices.values())
        return [one.jid for one in devices if one.connection]

    @property
    def logins(self) -> int:
        """How often a linked client connected, so far."""
        return self._account.logins

    def remove_device(self) -> None:
        """Unlink every client, as its owner can from the list of linked devices."""
        self._call(self._remove())

    def replace(self) -> None:
        """Tell every client that another connection took its place."""
        self._end(faults.replaced)

    def restart_stream(self) -> None:
        """Tell every client to connect again (515)."""
        self._end(faults.restart_stream)

    def ban(self, code: int = TOO_MANY_PEOPLE, seconds: int = 3600) -> None:
        """Ban the account for a time: now, and at each login until it ends."""
        ban = self._account.troubles.ban = Ban(code, time.time() + seconds)
        self._end(lambda: faults.ban_failure(ban))

    def lift_ban(self) -> None:
        self._account.troubles.ban = None

    def fail(self, code: int, times: int = 1) -> None:
        """Refuse the account's next logins with this code (401, 403, 405, 503 ...)."""
        self._account.troubles.failures += [code] * times

    def stop_failing(self) -> None:
        self._account.troubles.failures.clear()

    def drop(self) -> None:
        """Close every client's socket, without a word."""
        self._call(self._close())

    def stop_answering(self) -> None:
        """Hear clients and say nothing, not even to their pings."""
        self._account.troubles.silent = True

    def answer_again(self) -> None:
        self._account.troubles.silent = False

    def refuse_sends(self, code: int = REACHOUT_LOCKED) -> None:
        """Refuse each message the account's clients send with this error."""
        self._account.troubles.refuse_sends = code

    def accept_sends(self) -> None:
        self._account.troubles.refuse_sends = None

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._server.call(work)

    def _wait(self, heard: list[Any]) -> Any:
        self._until(lambda: bool(heard))
        return heard.pop(0)

    def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.number} heard nothing")
            time.sleep(POLL_SECONDS)

    def _connections(self) -> list[Connection]:
        devices = self._account.devices.values()
        return [one.connection for one in devices if one.connection]

    def _end(self, reason: Callable[[], Node]) -> None:
        async def end() -> None:
            for connection in self._connections():
                await faults.end(connection, reason())

        self._call(end())

    async def _close(self) -> None:
        for connection in self._connections():
            await connection.close()

    async def _remove(self) -> None:
        connections = self._connections()
        own = self._account.devices
        for number in [one for one in own if one != PHONE]:
            del own[number]
        for connection in connections:
            await faults.end(connection, faults.device_removed())
