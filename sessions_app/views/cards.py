"""A session as the console's pages show it."""

from dataclasses import dataclass

from sessions_app import jids
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Session
from sessions_app.services import capabilities
from sessions_app.states import Hold, SessionStatus, advice_for

S = SessionStatus
TONES: dict[SessionStatus, str] = {
    S.CREATED: "busy",
    S.STARTING: "busy",
    S.PAIRING: "busy",
    S.PASSKEY_REQUIRED: "busy",
    S.PASSKEY_CONFIRMATION: "busy",
    S.CONNECTED: "good",
    S.RESTRICTED: "warn",
    S.DEGRADED: "warn",
    S.DISCONNECTED: "busy",
    S.STOPPED: "off",
    S.PAIRING_EXPIRED: "warn",
    S.LOGGED_OUT: "bad",
    S.REPLACED: "bad",
    S.BANNED: "bad",
    S.FAULTED: "bad",
    S.DELETED: "off",
}
# What gets a banner with its reason and its end, and how loud.
TROUBLE: dict[SessionStatus, str] = {
    S.RESTRICTED: "warn",
    S.DEGRADED: "warn",
    S.BANNED: "bad",
    S.REPLACED: "bad",
    S.FAULTED: "bad",
}
STATUSES = {
    status.value: {
        "label": status.label,
        "tone": TONES[status],
        "trouble": TROUBLE.get(status, ""),
    }
    for status in SessionStatus
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
    trouble: str  # how loud its banner is; "" when all is well
    simulated: bool
    pairs_by_code: bool
    passkey_engines: str  # of this deployment, in words


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
        trouble=TROUBLE.get(status, ""),
        simulated=capabilities.has(session, Capability.SIMULATION),
        pairs_by_code=capabilities.has(session, Capability.PAIR_CODE),
        passkey_engines=", ".join(capabilities.offered_with(Capability.PASSKEY)),
    )
