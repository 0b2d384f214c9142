"""What a gateway's webhooks say of the session's state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.status import SURVEY, Status
from sessions_app.engines.wuzapi.stream import Phase

if TYPE_CHECKING:
    from sessions_app.engines.wuzapi.stream import Stream

_OCCASIONS = frozenset({"Disconnected", "QR", "QRTimeout"})  # to ask, and nothing more
_OUTDATED = "405"  # WhatsApp's number for it; the webhook has none
_NANOSECONDS = 1_000_000_000  # Go's durations
_MAX_BAN = 365 * 24 * 60 * 60  # seconds


class Hints:
    """Takes what is said of the state to the stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def take(self, payload: dict[str, Any]) -> bool:
        """Take a webhook; False when it is about something else."""
        kind, event = read.text(payload, "type"), read.mapping(payload, "event")
        if (last := _last_event(kind, event)) is not None:
            await self._stream.end_unless_up(last)
        elif kind in _OCCASIONS:
            self._stream.look_soon()
        elif kind == SURVEY:
            self._compare(Status.of(payload))
        else:
            return await self._change(kind, event)
        return True

    async def _change(self, kind: str, event: dict[str, Any]) -> bool:
        async with self._stream.lock:
            match kind:
                case "PairSuccess":
                    await self._stream.paired(read.jid(event, "ID"))
                case "KeepAliveTimeout":
                    await self._stream.degrade()
                # A stream that whatsmeow opened anew is only said to be connected. So is one
                # with a new push name; but that came over the stream, too.
                case "KeepAliveRestored" | "Connected":
                    await self._stream.restore()
                case _:
                    return False
        return True

    def _compare(self, listed: Status) -> None:
        """Ask when a list says otherwise; it may be older than what we know."""
        stands = self._stream.phase in {Phase.CONNECTED, Phase.DEGRADED}
        if listed.up != stands:
            self._stream.look_soon()


def _last_event(kind: str, event: dict[str, Any]) -> events.EngineEvent | None:
    """Return what ends the connection; None for everything else.

    The gateway's own words are left out: they quote addresses and proxies.
    """
    match kind:
        case "LoggedOut":
            return events.LoggedOut("The phone removed the device.")
        case "StreamReplaced":
            return events.Replaced()
        case "ClientOutdated":
            return events.ConnectFailed(_OUTDATED)
        case "ConnectFailure":
            return events.ConnectFailed(read.text(event, "Reason") or "unreachable")
        case "TemporaryBan":
            seconds = read.number(event, "Expire") // _NANOSECONDS
            until = datetime.now(UTC) + timedelta(seconds=min(max(seconds, 0), _MAX_BAN))
            return events.TemporarilyBanned(read.number(event, "Code"), until)
        case _:
            return None
