"""A session as the console's pages show it."""

from dataclasses import dataclass

from sessions_app import jids
from sessions_app.engines import registry
from sessions_app.engines.base import Capability
from sessions_app.models import Session
from sessions_app.states import Hold, SessionStatus, advice_for

S = SessionStatus
TONES: dict[SessionStatus, str] = {
    S.CREATED: "busy",
    S.STARTING: "busy",
    S.PAIRING: "busy",
    S.CONNECTED: "good",
    S.DISCONNECTED: "busy",
    S.STOPPED: "off",
    S.PAIRING_EXPIRED: "warn",
    S.LOGGED_OUT: "bad",
    S.REPLACED: "bad",
    S.BANNED: "bad",
    S.FAULTED: "bad",
    S.DELETED: "off",
}
STATUSES = {
    status.value: {"label": status.label, "tone": TONES[status]} for status in SessionStatus
}


@dataclass(frozen=True, slots=True)
class Card:
    """What a page says of one session."""

    session: Session
    advice: str
    reason: str  # "" when the status says it already
    tone: str
    phone: str
    hold: str  # why it is held, in words; "" when it is not
    simulated: bool


def card_of(session: Session) -> Card:
    """Return what a page says of the session."""
    status = SessionStatus(session.status)
    return Card(
        session=session,
        advice=advice_for(status, session.hold),
        reason="" if session.reason.lower() == status.label.lower() else session.reason,
        tone=TONES[status],
        phone=jids.phone_of(session.jid),
        hold=Hold(session.hold).label if session.hold else "",
        simulated=_simulated(session.engine),
    )


def _simulated(kind: str) -> bool:
    """Say whether the engine is a sandbox; one that is not offered any more is not."""
    offered = kind in registry.kinds()
    return offered and Capability.SIMULATION in registry.engine(kind).capabilities
