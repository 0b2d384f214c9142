"""The engine contract: what every way to reach WhatsApp must do. No Django in here.

An engine has two faces. Its *management calls* (`provision`, `purge`) block, may come from any
process and are safe to repeat. Its *connection* lives in the runner that holds the session's
lease, on that runner's event loop; there is at most one per session.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sessions_app.engines.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sessions_app.engines.answers import LiveStatus, NumberCheck, PairingCode, SendResult
    from sessions_app.engines.events import ContactEntry, EngineEvent
    from sessions_app.engines.outgoing import Outgoing
    from sessions_app.engines.webhooks import (
        GatewayRef,
        GatewayReport,
        WebhookCall,
        WebhookRequest,
    )


class EngineError(Exception):
    """The engine could not do it.

    :param retryable: asking again may help.
    :param outcome_unknown: it may have happened all the same; never repeat it blindly.
    :param code: what WhatsApp or the gateway called it, e.g. "463".
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        outcome_unknown: bool = False,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.outcome_unknown = outcome_unknown
        self.code = code


class CapabilityMissing(EngineError):
    """This engine can't do that, whatever the session does."""

    def __init__(self, capability: Capability) -> None:
        super().__init__(f"The engine lacks the capability {capability!r}.")
        self.capability = capability


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
    device_name: str = ""  # what the phone shows among its linked devices
    proxy: str = field(default="", repr=False)  # URL with its secret; "" connects directly
    gateway: GatewayRef | None = None  # engines with GATEWAY


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
    async def send(self, message: Outgoing) -> SendResult:
        """Hand a message to WhatsApp's server; return once the server took it.

        Repeating it after a crash is safe only with `Capability.CLIENT_MESSAGE_ID`.

        :raises CapabilityMissing: this kind of message can't be sent.
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
    async def status(self) -> LiveStatus:
        """Ask the stream itself; cheap enough for once a minute.

        :raises EngineError: it does not answer.
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

    async def leave(self) -> None:
        """Stop emitting because another process goes on with the session. Safe to repeat.

        A gateway keeps the stream meanwhile; where the stream is ours it is dropped.
        """
        await self.close()

    async def pair_with_code(self, phone: str) -> PairingCode:
        """Ask for a code to type into the phone, while the device shows QR codes.

        Its codes replace the QR codes of this attempt. Asking again replaces the code.

        :param phone: digits of the account's phone number.
        """
        raise CapabilityMissing(Capability.PAIR_CODE)

    async def answer_passkey(self, response: dict[str, Any]) -> None:
        """Answer `PasskeyRequested` with the WebAuthn assertion, as JSON."""
        raise CapabilityMissing(Capability.PASSKEY)

    async def confirm_passkey(self, code: str) -> None:
        """Answer `PasskeyConfirmation`: the person saw the same code on the phone."""
        raise CapabilityMissing(Capability.PASSKEY)

    async def check_numbers(self, phones: Sequence[str]) -> list[NumberCheck]:
        """Look phone numbers up, digits only; the answer has one entry for each, in order."""
        raise CapabilityMissing(Capability.CHECK_NUMBERS)

    async def fetch_media(self, reference: dict[str, Any], *, max_bytes: int) -> bytes:
        """Download and decrypt what `Media.reference` names.

        :raises EngineError: it is larger, or WhatsApp has it no longer (code "media_gone").
        """
        raise CapabilityMissing(Capability.IMAGE)

    async def hear(self, payload: dict[str, Any]) -> None:
        """Take what a gateway posted for this session (`WebhookCall.payload`); may repeat."""
        raise CapabilityMissing(Capability.GATEWAY)


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

    def read_webhook(self, request: WebhookRequest) -> WebhookCall:
        """Read what a gateway posted, without believing it.

        :raises EngineError: it is not a webhook of this engine.
        """
        raise CapabilityMissing(Capability.GATEWAY)

    def verify_webhook(self, request: WebhookRequest, gateway: GatewayRef) -> bool:
        """Say whether the session's gateway signed these bytes. Equal time for every answer."""
        raise CapabilityMissing(Capability.GATEWAY)

    def survey(self, gateway: GatewayRef) -> GatewayReport:
        """Ask a gateway for itself and all its sessions, in one list call.

        `gateway` has no session's secrets here.

        :raises EngineError: it does not answer as a gateway of this engine.
        """
        raise CapabilityMissing(Capability.GATEWAY)
