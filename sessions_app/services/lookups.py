"""Questions to WhatsApp that somebody waits for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from orsta.core import errors, ids
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Command, Session
from sessions_app.services import capabilities, commands
from sessions_app.states import CommandKind

MAX_NUMBERS = 50  # WhatsApp takes more for a bot that collects numbers
_USEFUL_SECONDS = 60


class NotConnected(errors.Conflict):
    """Only a connected session can ask."""

    code = "session_not_connected"


@transaction.atomic
def check_numbers(*, session: Session, phones: Sequence[str], now: datetime) -> Command:
    """Ask which of these phone numbers have WhatsApp; the command's result says it.

    :param phones: digits, at most `MAX_NUMBERS`.
    :raises CapabilityMissing: the engine can't look numbers up.
    :raises NotConnected: the session is not connected now.
    """
    capabilities.require(session, Capability.CHECK_NUMBERS)
    if not session.is_connected:
        raise NotConnected("Numbers can be looked up while the session is connected.")
    draft = commands.NewCommand(
        session,
        CommandKind.CHECK_NUMBERS,
        {"phones": list(phones)},
        expires_at=now + timedelta(seconds=_USEFUL_SECONDS),
        dedupe_key=ids.make("cmd"),
    )
    return commands.queue_many([draft], now=now)[0]
