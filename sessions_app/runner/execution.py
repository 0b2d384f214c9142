"""Execute one command on a session's connection and report how it ended.

A command stays QUEUED in the database until its ending is written, so one that a crash cut
short runs again. That is safe because every engine so far takes our message id and drops
repeats (`Capability.CLIENT_MESSAGE_ID`).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from sessions_app.engines.base import EngineError, OutgoingText
from sessions_app.ingest.reports import ContactsFailed, ContactsFetched, Executed, PutOff
from sessions_app.messaging.services import outcomes
from sessions_app.services.commands import Finished
from sessions_app.states import CommandKind, CommandState

if TYPE_CHECKING:
    from sessions_app.ingest.reports import Report
    from sessions_app.models import Command
    from sessions_app.runner.worker import Worker

logger = logging.getLogger(__name__)

CONTACTS_PAGE = 2_000
MAX_ATTEMPTS = 6  # waits of 2, 4, 8, 16 and 32 s: a minute of trouble at the other end


class Executor:
    """Runs commands for one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def execute(self, command: Command) -> bool:
        """Run a command; False when those behind it have to wait."""
        try:
            await self._report(await self._run(command))
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
        return True

    async def _run(self, command: Command) -> Executed:
        match command.kind:
            case CommandKind.SEND:
                return await self._send(command)
            case CommandKind.FETCH_CONTACTS:
                return await self._fetch_contacts(command)
            case CommandKind.RECONNECT:
                await self._worker.reconnect()
                return self._ending(command, CommandState.DONE)
            case _:
                return await self._act(command)

    async def _send(self, command: Command) -> Executed:
        payload = command.payload
        message = OutgoingText(payload["wa_id"], payload["to"], payload["text"])
        result = await self._worker.connection.send(message)
        return self._ending(
            command,
            CommandState.DONE,
            outcome=outcomes.Sent(payload["message_id"], result.wa_id, result.sent_at),
        )

    async def _act(self, command: Command) -> Executed:
        """Play an action; the id makes messages of a repeated action the same messages."""
        arguments = {**command.payload["arguments"]}
        if command.payload["action"] == "inbound":
            arguments.setdefault("id", f"{command.pk}")
        connection = self._worker.connection
        answer = await connection.act(command.payload["action"], arguments)
        return self._ending(command, CommandState.DONE, result=answer)

    async def _fetch_contacts(self, command: Command) -> Executed:
        claim, sync_id = self._worker.claim, command.payload["sync_id"]
        number = 0
        async for entries in self._worker.connection.contacts(page_size=CONTACTS_PAGE):
            number += 1
            await self._report(
                ContactsFetched(claim.session_id, claim.epoch, sync_id, number, entries)
            )
            await self._worker.written()  # a page at a time: messages wait for one, not for all
        await self._report(
            ContactsFetched(claim.session_id, claim.epoch, sync_id, number + 1, [])
        )
        return self._ending(command, CommandState.DONE, result={"pages": number})

    async def _fail(self, command: Command, error: EngineError) -> bool:
        """Report a failure: later, never, or nobody knows."""
        attempts = command.attempts + 1
        if error.outcome_unknown:
            await self._report(self._failed(command, CommandState.UNKNOWN, str(error)))
            return True
        if not error.retryable or attempts >= MAX_ATTEMPTS:
            await self._report(self._failed(command, CommandState.FAILED, str(error)))
            if command.kind == CommandKind.FETCH_CONTACTS:
                await self._report(self._sync_failed(command, str(error)))
            return True
        if command.kind != CommandKind.SEND or self._worker.connected:
            await self._report(self._put_off(command, attempts, str(error)))
        return False  # a send that met a closed connection just stays queued

    async def _report(self, report: Report) -> None:
        await self._worker.report(report)

    def _put_off(self, command: Command, attempts: int, error: str) -> PutOff:
        claim = self._worker.claim
        not_before = timezone.now() + timedelta(seconds=2**attempts)
        return PutOff(claim.session_id, claim.epoch, command.pk, not_before, error)

    def _failed(self, command: Command, state: CommandState, error: str) -> Executed:
        outcome: outcomes.Outcome | None = None
        if command.kind == CommandKind.SEND:
            known = outcomes.Failed if state == CommandState.FAILED else outcomes.Unknown
            outcome = known(command.payload["message_id"], error)
        return self._ending(command, state, error=error, outcome=outcome)

    def _sync_failed(self, command: Command, error: str) -> ContactsFailed:
        claim = self._worker.claim
        return ContactsFailed(claim.session_id, claim.epoch, command.payload["sync_id"], error)

    def _ending(
        self,
        command: Command,
        state: CommandState,
        *,
        error: str = "",
        result: dict[str, object] | None = None,
        outcome: outcomes.Outcome | None = None,
    ) -> Executed:
        claim = self._worker.claim
        ending = Finished(command.pk, state, error, result or {})
        return Executed(claim.session_id, claim.epoch, ending, outcome)
