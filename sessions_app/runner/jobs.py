"""What each kind of command does on a connection. All of it may raise `EngineError`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sessions_app.ingest.reports import ContactsFetched, PairingCodeIssued
from sessions_app.messaging.services import outcomes, payloads
from sessions_app.states import CommandKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.models import Command
    from sessions_app.runner.worker import Worker

CONTACTS_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: plain JSON for its row, and what became of its message."""

    result: dict[str, Any] | list[Any] = field(default_factory=dict)
    outcome: outcomes.Outcome | None = None


async def send(worker: Worker, command: Command) -> Answer:
    """Hand a message to WhatsApp."""
    payload = command.payload
    message = payloads.to_outgoing(payload)
    result = await worker.connection.send(message)
    return Answer(outcome=outcomes.Sent(payload["message_id"], result.wa_id, result.sent_at))


async def act(worker: Worker, command: Command) -> Answer:
    """Play an action; the id makes messages of a repeated action the same messages."""
    arguments = {**command.payload["arguments"]}
    if command.payload["action"] in {"inbound", "image"}:
        arguments.setdefault("id", f"{command.pk}")
    return Answer(await worker.connection.act(command.payload["action"], arguments))


async def fetch_contacts(worker: Worker, command: Command) -> Answer:
    """Read the address book, page by page."""
    claim, sync_id = worker.claim, command.payload["sync_id"]
    number = 0
    async for entries in worker.connection.contacts(page_size=CONTACTS_PAGE):
        number += 1
        await worker.report(
            ContactsFetched(claim.session_id, claim.epoch, sync_id, number, entries)
        )
        await worker.written()  # a page at a time: messages wait for one, not for all
    await worker.report(ContactsFetched(claim.session_id, claim.epoch, sync_id, number + 1, []))
    return Answer({"pages": number})


async def reconnect(worker: Worker, _: Command) -> Answer:
    """Open the connection anew."""
    await worker.reconnect()
    return Answer()


async def log_out(worker: Worker, _: Command) -> Answer:
    """Unlink the device."""
    await worker.unlink()
    return Answer()


async def pair_code(worker: Worker, command: Command) -> Answer:
    """Ask for a code to type; it is shown as a challenge, and is no part of the answer."""
    issued = await worker.connection.pair_with_code(command.payload["phone"])
    claim = worker.claim
    await worker.report(
        PairingCodeIssued(claim.session_id, claim.epoch, issued.code, issued.valid_for)
    )
    return Answer()


async def answer_passkey(worker: Worker, command: Command) -> Answer:
    """Pass the assertion on."""
    await worker.connection.answer_passkey(command.payload["response"])
    return Answer()


async def confirm_passkey(worker: Worker, command: Command) -> Answer:
    """Pass the confirmation on."""
    await worker.connection.confirm_passkey(command.payload["code"])
    return Answer()


async def check_numbers(worker: Worker, command: Command) -> Answer:
    """Look numbers up."""
    found = await worker.connection.check_numbers(command.payload["phones"])
    return Answer([asdict(check) for check in found])


JOBS: dict[CommandKind, Callable[[Worker, Command], Awaitable[Answer]]] = {
    CommandKind.SEND: send,
    CommandKind.ACT: act,
    CommandKind.FETCH_CONTACTS: fetch_contacts,
    CommandKind.RECONNECT: reconnect,
    CommandKind.LOGOUT: log_out,
    CommandKind.PAIR_CODE: pair_code,
    CommandKind.ANSWER_PASSKEY: answer_passkey,
    CommandKind.CONFIRM_PASSKEY: confirm_passkey,
    CommandKind.CHECK_NUMBERS: check_numbers,
}
