"""The engine contract: what every way to reach WhatsApp must do. No Django in here.

An engine has two faces. Its *management calls* (`provision`, `purge`) block, may come from any
process and are safe to repeat. Its *connection* lives in the runner that holds the session's
lease, on that runner's event loop; there is at most one per session.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from sessions_app.engines.events import ContactEntry, EngineEvent


class Capability(StrEnum):
    """What an engine can do; the API refuses what the session's engine lacks."""

    PAIR_QR = "pair_qr"
    CLIENT_MESSAGE_ID = "client_message_id"  # a repeated send with the same id is one message
    CONTACTS = "contacts"
    CONNECTION_EVENTS = "connection_events"
    PRESENCE = "presence"
    SIMULATION = "simulation"  # the other side is played by `act`: sandbox only


class EngineError(Exception):
    """The engine could not do it.

    :param retryable: asking again may help.
    :param outcome_unknown: it may have happened all the same; never repeat it blindly.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.outcome_unknown = outcome_unknown


@dataclass(frozen=True, slots=True)
class Options:
    """What a session does by itself."""

    auto_read: bool = False  # tells senders that their messages were read
    typing: bool = False  # shows "typing" in a chat before it sends there


@dataclass(frozen=True, slots=True)
class SessionRef:
    """What an engine may know of a session."""

    session_id: str  # the public id: the engine's key for everything it stores
    epoch: int = 0  # the lease's fencing token; 0 for management calls
    options: Options = field(default_factory=Options)  # when the connection opens


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to send."""

    message_id: str  # ours; engines with CLIENT_MESSAGE_ID use it as the `wa_id`
    to: str  # normalised JID
    text: str


@dataclass(frozen=True, slots=True)
class SendResult:
    """WhatsApp's server took the message."""

    wa_id: str
    sent_at: datetime


class EventSink(Protocol):
    """Where a connection puts its events, in order."""

    async def __call__(self, event: EngineEvent, /) -> None:
        """Take an event. Waits while the runner is behind (back-pressure)."""

    async def kept(self) -> None:
        """Return once everything that was put so far survives a crash of this process.

        Only then may an engine acknowledge to WhatsApp what it has emitted; what it has not
        acknowledged comes again with the next connection.
        """


class Connection(ABC):
    """One live stream. Made by `Engine.connect`; every method may raise `EngineError`."""

    @abstractmethod
    async def send(self, message: OutgoingText) -> SendResult:
        """Hand a text to WhatsApp's server; return once the server took it.

        Repeating it after a crash is safe only with `Capability.CLIENT_MESSAGE_ID`.
        """

    @abstractmethod
    def contacts(self, *, page_size: int) -> AsyncIterator[list[ContactEntry]]:
        """Yield the whole address book in pages of at most `page_size`."""

    @abstractmethod
    async def act(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what only some engines know, by name. `arguments` and the answer are JSON.

        :raises EngineError: the engine does not know the action, or it makes no sense now.
        """

    @abstractmethod
    def configure(self, options: Options) -> None:
        """Take options that changed while the connection is open; what comes next obeys them.

        With `auto_read` every message that was emitted is followed by `MessagesRead`; with
        `typing` a send is preceded by `TypingShown`.
        """

    @abstractmethod
    async def logout(self) -> None:
        """Unlink the device on WhatsApp's side and forget its credentials. Safe to repeat."""

    @abstractmethod
    async def close(self) -> None:
        """Drop the stream and stop emitting; the device stays linked. Safe to repeat."""


class Engine(ABC):
    """One kind of engine. Instances are made by the registry, once per process."""

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]

    @abstractmethod
    def provision(self, ref: SessionRef) -> None:
        """Create whatever the engine keeps per session. Safe to repeat."""

    @abstractmethod
    def purge(self, ref: SessionRef) -> None:
        """Forget the session and its credentials for good. Safe to repeat."""

    @abstractmethod
    async def connect(self, ref: SessionRef, sink: EventSink) -> Connection:
        """Open the stream and start emitting; return at once.

        A device that is linked emits `Connected` without a new challenge; any other emits
        `ChallengeIssued` until it is paired or `PairingTimedOut`. Receipts and messages that
        came while no connection was open are emitted after `Connected`.

        :raises EngineError: the stream can't be opened now.
        """
