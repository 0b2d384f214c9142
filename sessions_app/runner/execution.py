"""Execute one command on a session's connection and report how it ended.

A command stays QUEUED in the database until its ending is written, so one that a crash cut
short runs again. Where an engine can't tell the repetition it is RUNNING before it is handed
over, and a crash leaves it to the next owner, which calls it UNKNOWN (`ingest.takeover`).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from sessions_app.contacts.services import storable
from sessions_app.engines.base import CapabilityMissing, EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.ingest.reports import ContactsFailed, Executed, HandedOver, PutOff
from sessions_app.messaging.services import outcomes
from sessions_app.runner.jobs import JOBS
from sessions_app.services.commands import Finished
from sessions_app.states import CommandKind, CommandState

if TYPE_CHECKING:
    from sessions_app.models import Command
    from sessions_app.runner.worker import Worker

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 6  # waits of 2, 4, 8, 16 and 32 s: a minute of trouble at the other end
RESTRICTED_CODE = "463"
EXPIRED = "It could not be done in time."
# Whatever the engine: WhatsApp takes an answer once.
_ONCE = frozenset({CommandKind.ANSWER_PASSKEY, CommandKind.CONFIRM_PASSKEY})


class Executor:
    """Runs commands for one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._stopping = False
        self.in_flight: set[int] = set()

    def stop(self) -> None:
        """Start no other command."""
        self._stopping = True

    async def execute(self, command: Command) -> bool:
        """Run a command; False when those behind it have to wait."""
        if self._stopping:
            return False
        self.in_flight.add(command.pk)
        try:
            return await self._execute(command)
        finally:
            self.in_flight.discard(command.pk)

    async def _execute(self, command: Command) -> bool:
        # Not before `in_flight` has it: `ingest.expiry` relies on that order.
        if command.expires_at is not None and command.expires_at <= timezone.now():
            await self._end(command, CommandState.EXPIRED, EXPIRED)
            return True
        try:
            if not await self._hand_over(command):
                self.stop()
                return False
            answer = await JOBS[CommandKind(command.kind)](self._worker, command)
        except EngineError as error:
            return await self._fail(command, error)
        except Exception as error:
            # The edge of a session: those behind it must not wait for our mistake forever.
            logger.exception("Command failed", extra={"kind": command.kind})
            mistake = EngineError(
                f"Our mistake: {type(error).__name__}.",
                outcome_unknown=command.kind == CommandKind.SEND,
            )
            return await self._fail(command, mistake)
        ending = Finished(command.pk, CommandState.DONE, "", answer.result)
        await self._report_ending(ending, answer.outcome)
        return True

    async def _hand_over(self, command: Command) -> bool:
        """Note that it is under way, if nobody could tell a repetition.

        False: the session is somebody else's by now, who executes the command.
        """
        if not self._runs_once(command):
            return True
        claim = self._worker.claim
        await self._worker.report(HandedOver(claim.session_id, claim.epoch, (command.pk,)))
        return await self._worker.written()

    def _runs_once(self, command: Command) -> bool:
        if command.kind != CommandKind.SEND:
            return command.kind in _ONCE
        return Capability.CLIENT_MESSAGE_ID not in self._worker.engine.capabilities

    async def _fail(self, command: Command, error: EngineError) -> bool:
        """Report a failure: later, never, or nobody knows."""
        attempts = command.attempts + 1
        if error.outcome_unknown:
            await self._end(command, CommandState.UNKNOWN, str(error))
            return True
        if error.code == RESTRICTED_CODE and command.kind == CommandKind.SEND:
            await self._worker.restrict()
            await self._end(command, CommandState.FAILED, str(error))
            return True  # those behind it may be for people whom the account knows
        final = not error.retryable or isinstance(error, CapabilityMissing)
        if final or attempts >= MAX_ATTEMPTS:
            await self._end(command, CommandState.FAILED, str(error))
            return True
        if command.kind != CommandKind.SEND or self._worker.connected:
            wait = timedelta(seconds=2**attempts)
            await self._put_off(command, str(error), wait=wait, counts=True)
        elif self._runs_once(command):
            await self._put_off(command, "", wait=timedelta(0), counts=False)
        return False  # a send that met a closed connection just stays queued

    async def _put_off(
        self, command: Command, error: str, *, wait: timedelta, counts: bool
    ) -> None:
        claim = self._worker.claim
        attempts, not_before = command.attempts + counts, timezone.now() + wait
        report = PutOff(
            claim.session_id,
            claim.epoch,
            command.pk,
            not_before,
            storable.text(error),
            attempts,
        )
        await self._worker.report(report)

    async def _end(self, command: Command, state: CommandState, error: str) -> None:
        # A report that the database refuses would leave the command where it is, to run again.
        error = storable.text(error)
        outcome: outcomes.Outcome | None = None
        if command.kind == CommandKind.SEND:
            outcome = outcomes.of_unsent(
                command.payload, error=error, unknown=state == CommandState.UNKNOWN
            )
        await self._report_ending(Finished(command.pk, state, error), outcome)
        if command.kind == CommandKind.FETCH_CONTACTS:
            claim, sync_id = self._worker.claim, command.payload["sync_id"]
            await self._worker.report(
                ContactsFailed(claim.session_id, claim.epoch, sync_id, error)
            )

    async def _report_ending(self, ending: Finished, outcome: outcomes.Outcome | None) -> None:
        claim = self._worker.claim
        await self._worker.report(Executed(claim.session_id, claim.epoch, ending, outcome))
