"""What a runner has to say of its sessions, as plain data on its way to the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sessions_app.engines.events import ContactEntry, EngineEvent
    from sessions_app.messaging.services.outcomes import Outcome
    from sessions_app.services.commands import Finished
    from sessions_app.states import SessionStatus


@dataclass(frozen=True, slots=True)
class Report:
    """The session it is about and the lease's epoch it was made under."""

    session_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Observed(Report):
    """The engine saw something."""

    event: EngineEvent


@dataclass(frozen=True, slots=True)
class Moved(Report):
    """The runner itself did something to the connection."""

    status: SessionStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Executed(Report):
    """A command ended.

    :param outcome: what became of the message, for a send.
    """

    ending: Finished
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class PutOff(Report):
    """A command failed in a way that may pass; it runs again from `not_before`."""

    command_id: int
    not_before: datetime
    error: str


@dataclass(frozen=True, slots=True)
class ContactsFetched(Report):
    """A page of the address book; the last one has no entries."""

    sync_id: str
    number: int
    entries: list[ContactEntry]


@dataclass(frozen=True, slots=True)
class ContactsFailed(Report):
    """The address book could not be fetched."""

    sync_id: str
    error: str
