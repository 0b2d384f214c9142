"""What a host may ask of neonize, and when.

A call that reaches whatsmeow in the wrong state is a nil dereference in Go: it ends the whole
process. So every operation names the states that it is safe in, and nothing else is tried.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sessions_app.engines import events
from sessions_app.engines.base import EngineError

if TYPE_CHECKING:
    from sessions_app.engines.events import EngineEvent


class HostState(StrEnum):
    """How far the client of a host is."""

    NEW = "new"  # nothing was heard yet
    PAIRING = "pairing"  # shows codes
    PAIRED = "paired"  # was scanned; its stream restarts
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  # whatsmeow connects again by itself
    ENDED = "ended"  # only a new host goes on


_AFTER: dict[type, HostState] = {
    events.ChallengeIssued: HostState.PAIRING,
    events.Paired: HostState.PAIRED,
    events.Connected: HostState.CONNECTED,
    events.Disconnected: HostState.DISCONNECTED,
    events.LoggedOut: HostState.ENDED,
    events.Replaced: HostState.ENDED,
    events.TemporarilyBanned: HostState.ENDED,
    events.ConnectFailed: HostState.ENDED,
    events.PairingTimedOut: HostState.ENDED,
    events.PairingFailed: HostState.ENDED,
    events.PasskeyRequested: HostState.ENDED,
}
_UP = frozenset({HostState.CONNECTED})
# In which states an operation may be tried.
ALLOWED: dict[str, frozenset[HostState]] = {
    "status": frozenset(HostState),
    "pair_code": frozenset({HostState.PAIRING}),
    "send": _UP,
    "upload": _UP,
    "download": _UP,
    "mark_read": _UP,
    "typing": _UP,
    "contacts": _UP,
    "check_numbers": _UP,
    "disconnect": _UP,
    "logout": _UP,
}
# States in which whatsmeow may be asked whether its socket is open.
ANSWERING = frozenset({HostState.PAIRED, HostState.CONNECTED, HostState.DISCONNECTED})


def after(state: HostState, event: EngineEvent) -> HostState:
    """Return the state that follows an event. What ended stays so."""
    if state is HostState.ENDED:
        return state
    follower = _AFTER.get(type(event), state)
    # While it shows codes a broken stream has no device yet that could be asked anything.
    if follower is HostState.DISCONNECTED and state in (HostState.NEW, HostState.PAIRING):
        return state
    return follower


def require(op: str, state: HostState) -> None:
    """Make sure that an operation is safe now.

    :raises EngineError: it is not, or nobody knows it.
    """
    if op not in ALLOWED:
        raise EngineError(f"There is no operation {op!r}.")
    if state not in ALLOWED[op]:
        raise EngineError(
            f"This can't be done while the session is {state}.",
            retryable=state is not HostState.ENDED,
        )
