"""The session aggregate: what is needed to say what a session is."""

from sessions_app.models.gateways import Gateway
from sessions_app.models.inbox import InboxEntry
from sessions_app.models.pairing import PairingChallenge
from sessions_app.models.proxies import Proxy
from sessions_app.models.session import DEFAULT_EVENTS, Session, SessionTransition
from sessions_app.models.work import Command, Lease, Runner

__all__ = [
    "DEFAULT_EVENTS",
    "Command",
    "Gateway",
    "InboxEntry",
    "Lease",
    "PairingChallenge",
    "Proxy",
    "Runner",
    "Session",
    "SessionTransition",
]
