"""Play the other side of a sandbox session: the phone, its friends, and trouble."""

from datetime import datetime
from typing import Any

from django.db import transaction

from orsta.core import errors
from sessions_app.engines import registry
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Command, Session
from sessions_app.services import commands
from sessions_app.states import CommandKind, SessionStatus


class NotSimulated(errors.Conflict):
    """The session's engine talks to the real WhatsApp."""

    code = "not_a_sandbox_session"


class NothingToScan(errors.Conflict):
    """The session shows no code now."""

    code = "qr_not_ready"


def scan(
    *,
    session: Session,
    now: datetime,
    phone: str | None = None,
    push_name: str | None = None,
    contacts: int | None = None,
) -> Command:
    """Scan the code that the session shows.

    :param phone: the account's number; one made from the session's id if None.
    :param contacts: how many contacts the account has.
    :raises NothingToScan: the session does not wait for a scan.
    :raises NotSimulated: not a sandbox session.
    """
    given = {"phone": phone, "push_name": push_name, "contacts": contacts}
    arguments = {name: value for name, value in given.items() if value is not None}
    if session.status != SessionStatus.PAIRING:
        _check(session)
        raise NothingToScan("The session shows no code to scan now.")
    return _act(session, "scan", arguments, now=now)


def inbound(
    *,
    session: Session,
    now: datetime,
    sender: str,
    text: str,
    count: int = 1,
    push_name: str | None = None,
) -> Command:
    """Let somebody write to the session; while it is not connected WhatsApp keeps it.

    :param count: how many such messages, to try out a load.
    :raises NotSimulated: not a sandbox session.
    """
    arguments = {"from": sender, "text": text, "count": count}
    if push_name is not None:
        arguments["push_name"] = push_name
    return _act(session, "inbound", arguments, now=now)


def happen(
    *, session: Session, now: datetime, kind: str, sender: str, **details: str
) -> Command:
    """Let somebody react to a message, change or delete one, or send a picture.

    :param kind: "reaction", "edit", "revoke" or "image"; the engine says what each takes.
    :raises NotSimulated: not a sandbox session.
    """
    return _act(session, kind, {"from": sender, **details}, now=now)


def fault(*, session: Session, now: datetime, kind: str, **arguments: Any) -> Command:
    """Make trouble: see the engine for the kinds.

    :raises NotSimulated: not a sandbox session.
    """
    return _act(session, "fault", {"kind": kind, **arguments}, now=now)


@transaction.atomic
def _act(session: Session, action: str, arguments: dict[str, Any], *, now: datetime) -> Command:
    _check(session)
    payload = {"action": action, "arguments": arguments}
    return commands.queue(session=session, kind=CommandKind.ACT, payload=payload, now=now)


def _check(session: Session) -> None:
    offered = session.engine in registry.kinds()
    if not offered or Capability.SIMULATION not in registry.engine(session.engine).capabilities:
        raise NotSimulated(
            "This session talks to the real WhatsApp; only sandbox sessions play."
        )
