"""From WhatsApp's events, as neonize hands them over, to ours. Only in a host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from neonize.events import EVENT_TO_INT
from neonize.proto import Neonize_pb2 as pb

from sessions_app.engines import events
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.neonize import inbound
from sessions_app.engines.neonize.inbound import jid_of, moment, normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_app.engines.events import EngineEvent

_REFUSALS = {  # neonize's enum -> WhatsApp's number
    pb.GENERIC: "400",
    pb.LOGGED_OUT: "401",
    pb.TEMP_BANNED: "402",
    pb.MAIN_DEVICE_GONE: "403",
    pb.CLIENT_OUTDATED: "405",
    pb.UNKNOWN_LOGOUT: "406",
    pb.BAD_USER_AGENT: "409",
    pb.INTERNAL_SERVER_ERROR: "500",
    pb.EXPERIMENTAL: "501",
    pb.SERVICE_UNAVAILABLE: "503",
}
_BANS = {  # neonize's enum -> WhatsApp's number
    pb.TemporaryBan.SEND_TO_TOO_MANY_PEOPLE: 101,
    pb.TemporaryBan.BLOCKED_BY_USERS: 102,
    pb.TemporaryBan.CREATED_TOO_MANY_GROUPS: 103,
    pb.TemporaryBan.SENT_TOO_MANY_SAME_MESSAGE: 104,
    pb.TemporaryBan.BROADCAST_LIST: 106,
}
_RECEIPTS = {
    pb.Receipt.DELIVERED: ReceiptKind.DELIVERED,
    pb.Receipt.INACTIVE: ReceiptKind.DELIVERED,  # by a client that is not in use
    pb.Receipt.READ: ReceiptKind.READ,
    pb.Receipt.PLAYED: ReceiptKind.READ,
}
_OWN_READS = {pb.Receipt.READ_SELF, pb.Receipt.PLAYED_SELF}
PASSKEY_WINDOW = timedelta(minutes=5)  # from the scan until WhatsApp gives up


def event_of(code: int, data: bytes) -> Any:
    """Return neonize's protobuf for one of its event codes."""
    return _CLASSES[code].FromString(data)


def translate(event: Any, *, own: str) -> list[EngineEvent]:
    """Return our events for one of neonize's.

    :param own: the account's JID, as far as it is known.
    """
    reader = _READERS.get(type(event))
    return reader(event, own) if reader else []


def login_status(status: str) -> list[EngineEvent]:
    """Return our events for what neonize says about an attempt to pair."""
    match status:
        case "success" | "code":
            return []
        case "timeout":
            return [events.PairingTimedOut()]
        case "passkey-request":
            return [events.PasskeyRequested(options={}, valid_for=PASSKEY_WINDOW)]
        case "err-client-outdated":
            return [events.ConnectFailed("405")]
        case "err-scanned-without-multidevice":
            reason = "The phone's WhatsApp is too old to link devices."
            return [events.PairingFailed(reason)]
        case _:
            return [events.PairingFailed(f"WhatsApp ended the attempt ({status}).")]


def _paired(event: pb.PairStatus, _own: str) -> list[EngineEvent]:
    if event.Status != pb.PairStatus.SUCCESS:
        return [events.PairingFailed(event.Error or "The phone refused the device.")]
    return [events.Paired(normal(event.ID), push_name=event.BusinessName)]


def _logged_out(event: pb.LoggedOut, _own: str) -> list[EngineEvent]:
    code = _REFUSALS.get(event.Reason, "401")
    if not event.OnConnect:
        return [events.LoggedOut("The phone removed the device.")]
    if code == "401":
        return [events.LoggedOut("WhatsApp no longer knows the device (401).")]
    return [events.ConnectFailed(code)]  # locked or banned, which is more than logged out


def _banned(event: pb.TemporaryBan, _own: str) -> list[EngineEvent]:
    expires_at = datetime.now(UTC) + inbound.span(event.Expire)
    return [events.TemporarilyBanned(_BANS.get(event.Code, 0), expires_at)]


def _refused(event: pb.ConnectFailure, _own: str) -> list[EngineEvent]:
    code = _REFUSALS.get(event.Reason, "")
    written = {attr.name: attr.text for attr in event.Raw.Attrs}.get("reason", "")
    return [events.ConnectFailed(written or code or "unknown", event.Message)]


def _broken(event: pb.StreamError, _own: str) -> list[EngineEvent]:
    return [events.Disconnected(f"Stream error {event.Code or 'without a code'}.")]


def _receipt(event: pb.Receipt, _own: str) -> list[EngineEvent]:
    source, ids, at = event.MessageSource, tuple(event.MessageIDs), moment(event.Timestamp)
    if event.Type in _OWN_READS:
        chat = jid_of(source.Chat)
        return [events.MessagesRead(chat, ids, at)] if chat else []
    kind = _RECEIPTS.get(event.Type)
    if kind is None or source.IsFromMe or not ids:
        return []
    return [events.ReceiptReceived(ids, kind, at)]


def _typing(event: pb.ChatPresence, _own: str) -> list[EngineEvent]:
    composing = event.State == pb.ChatPresence.COMPOSING
    chat = jid_of(event.MessageSource.Chat)
    state = "composing" if composing else "paused"
    return [events.PresenceChanged(chat, state)] if chat else []


def _presence(event: pb.Presence, _own: str) -> list[EngineEvent]:
    contact = jid_of(event.From)
    state = "unavailable" if event.Unavailable else "available"
    return [events.PresenceChanged(contact, state)] if contact else []


def _identity(event: pb.IdentityChange, _own: str) -> list[EngineEvent]:
    contact = jid_of(event.JID)
    return [events.IdentityChanged(contact)] if contact else []


def _silence(event: pb.KeepAliveTimeout, _own: str) -> list[EngineEvent]:
    return [events.Degraded(f"{event.ErrorCount} pings without an answer.")]


def _connected(_event: Any, own: str) -> list[EngineEvent]:
    return [events.Connected(own)]


_READERS: dict[Any, Callable[[Any, str], list[EngineEvent]]] = {
    pb.PairStatus: _paired,
    pb.Connected: _connected,
    pb.KeepAliveTimeout: _silence,
    pb.KeepAliveRestored: _connected,
    pb.LoggedOut: _logged_out,
    pb.StreamReplaced: lambda _event, _own: [events.Replaced()],
    pb.TemporaryBan: _banned,
    pb.ConnectFailure: _refused,
    pb.ClientOutdated: lambda _event, _own: [events.ConnectFailed("405")],
    pb.StreamError: _broken,
    pb.Disconnected: lambda _event, _own: [events.Disconnected("The stream broke.")],
    pb.HistorySync: inbound.history,
    pb.Message: inbound.message,
    pb.UndecryptableMessage: inbound.undecryptable,
    pb.Receipt: _receipt,
    pb.ChatPresence: _typing,
    pb.Presence: _presence,
    pb.IdentityChange: _identity,
}
_CODES = {kind: EVENT_TO_INT[kind] for kind in _READERS}
_CLASSES = {code: kind for kind, code in _CODES.items()}
CODES = tuple(sorted(_CLASSES))  # what a client subscribes to
# What has to survive a crash of the host; what a session is, its next connection tells anew.
TRAFFIC = frozenset(
    _CODES[kind]
    for kind in (
        pb.Message,
        pb.UndecryptableMessage,
        pb.Receipt,
        pb.HistorySync,
        pb.IdentityChange,
    )
)
FLEETING = frozenset({_CODES[pb.ChatPresence], _CODES[pb.Presence]})
PAIR_STATUS = _CODES[pb.PairStatus]
