"""What a runner has to say of its sessions, as plain data on its way to the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

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
    """The engine saw something.

    :param seq: numbers what changes the session's state, from 1 within an epoch, together
        with `Moved`; 0 for the rest, which may be written twice.
    :param retry_at: when the runner tries again, if that is a matter of minutes.
    """

    event: EngineEvent
    seq: int = 0
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved(Report):
    """The runner itself did something to the connection."""

    status: SessionStatus
    reason: str
    seq: int


@dataclass(frozen=True, slots=True)
class Left(Report):
    """The runner stops and let go of the session: the last report of it."""


@dataclass(frozen=True, slots=True)
class Executed(Report):
    """A command ended.

    :param outcome: what became of the message, for a send.
    """

    ending: Finished
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class PutOff(Report):
    """A command failed in a way that may pass; it runs again from `not_before`.

    :param attempts: how many there were, this one included.
    """

    command_id: int
    not_before: datetime
    error: str
    attempts: int


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


@dataclass(frozen=True, slots=True)
class Heard(Report):
    """The engine took what a gateway posted; its events were reported before this.

    :param entries: {inbox entry: error}, "" when it was understood.
    """

    entries: dict[int, str]


@dataclass(frozen=True, slots=True)
class HandedOver(Report):
    """These commands go to an engine that can't tell a repetition: from here on they ran."""

    command_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PairingCodeIssued(Report):
    """WhatsApp made a code to type into the phone."""

    code: str = field(repr=False)
    valid_for: timedelta
