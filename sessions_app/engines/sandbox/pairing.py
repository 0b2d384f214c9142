"""How a device of the sandbox is linked: by a scan, a typed code, and perhaps a passkey."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.answers import PairingCode
from sessions_app.engines.base import EngineError
from sessions_app.engines.sandbox import people
from sessions_app.engines.sandbox.phases import Phase

if TYPE_CHECKING:
    from sessions_app.engines.sandbox.actions import Scan
    from sessions_app.engines.sandbox.stream import Stream
    from sessions_app.engines.sandbox.world import Device

# Waits at speed 1.
PAIRED_SECONDS = 0.5  # from the scan until the stream is up again
CODE_SECONDS = 160  # as long as a round of QR codes (reference: engines.md 5)
PASSKEY_SECONDS = 300  # WhatsApp's own patience for a passkey (reference: engines.md 5)


class Pairing:
    """What one stream does until its device is linked."""

    def __init__(self, stream: Stream, *, epoch: int, speed: float, passkey: bool) -> None:
        self.wants_passkey = passkey  # of whoever scans next
        self._stream = stream
        self._epoch = epoch
        self._speed = speed
        self._codes = 0
        self._phone = ""  # typed the code, or is going to
        self._scan: Scan | None = None  # waits for its passkey
        self._confirmation = ""

    def offer_codes(self) -> None:
        """Show QR codes, one after the other, until nobody scanned the last one."""
        stream = self._stream
        stream.phase = Phase.PAIRING
        challenges = people.challenges(
            stream.device.session_id,
            epoch=self._epoch,
            attempt=stream.device.attempt,
            speed=self._speed,
        )
        wait = 0.0
        for seconds, challenge in zip(people.CODE_SECONDS, challenges, strict=True):
            stream.agenda.after(wait, partial(stream.emit, challenge))
            wait += seconds
        self._time_out_after(wait)

    def offer_code(self, phone: str) -> PairingCode:
        """Make a code to type in place of the QR codes; a scan then stands for typing it.

        :raises EngineError: the device does not wait for a scan now.
        """
        stream = self._stream
        if stream.phase is not Phase.PAIRING:
            raise EngineError("The device does not wait to be linked now.", retryable=True)
        self._codes += 1
        self._phone = phone
        stream.agenda.drop_plans()
        self._time_out_after(CODE_SECONDS)
        seed = f"{stream.device.session_id}:{self._epoch}:{stream.device.attempt}:{self._codes}"
        valid_for = timedelta(seconds=CODE_SECONDS / self._speed)
        return PairingCode(people.pairing_code(seed), valid_for)

    async def scan(self, scan: Scan) -> None:
        """Let the phone accept the device; it may ask for a passkey first.

        :raises EngineError: no code is shown.
        """
        stream = self._stream
        if stream.phase is not Phase.PAIRING:
            raise EngineError("There is nothing to scan: this session shows no code.")
        stream.agenda.drop_plans()
        if self.wants_passkey:
            self.wants_passkey = False
            self._ask_for_passkey(scan)
            return
        stream.phase = Phase.CONNECTING
        try:
            await self._link(scan)
        except BaseException:
            if stream.phase is Phase.CONNECTING:
                self.offer_codes()
            raise

    def answer_passkey(self, response: dict[str, Any]) -> None:
        """Take an assertion: any will do, except none.

        :raises EngineError: no passkey is wanted, or the answer is empty.
        """
        stream = self._stream
        if stream.phase is not Phase.PASSKEY:
            raise EngineError("No passkey is wanted now.")
        if not response.get("id"):
            raise EngineError("The assertion has no `id` of a credential.")
        stream.phase = Phase.CONFIRMING
        self._confirmation = people.confirmation(stream.device.session_id)
        valid_for = timedelta(seconds=PASSKEY_SECONDS / self._speed)
        confirmation = events.PasskeyConfirmation(self._confirmation, valid_for)
        stream.agenda.now(partial(stream.emit, confirmation))

    async def confirm_passkey(self, code: str) -> None:
        """Link the device, if it is the code that was shown.

        :raises EngineError: there is nothing to confirm, or it is another code.
        """
        stream = self._stream
        if stream.phase is not Phase.CONFIRMING or self._scan is None:
            raise EngineError("There is nothing to confirm now.")
        if code != self._confirmation:
            raise EngineError("The phone shows another code.")
        scan, self._scan = self._scan, None
        stream.phase = Phase.CONNECTING
        stream.agenda.drop_plans()
        await self._link(scan)

    def _ask_for_passkey(self, scan: Scan) -> None:
        stream = self._stream
        stream.phase = Phase.PASSKEY
        self._scan = scan
        options = people.passkey_options(stream.device.session_id)
        valid_for = timedelta(seconds=PASSKEY_SECONDS / self._speed)
        stream.agenda.now(partial(stream.emit, events.PasskeyRequested(options, valid_for)))
        stream.agenda.after(PASSKEY_SECONDS, self._give_up_passkey)

    async def _give_up_passkey(self) -> None:
        self._stream.finish(events.PairingFailed("Nobody answered the passkey challenge."))

    def _time_out_after(self, seconds: float) -> None:
        self._stream.agenda.after(seconds, self._time_out)

    async def _time_out(self) -> None:
        self._stream.finish(events.PairingTimedOut())

    async def _link(self, scan: Scan) -> None:
        stream = self._stream
        stream.device = await self._linked(scan)
        paired = events.Paired(stream.device.jid, stream.device.push_name)
        stream.agenda.now(partial(stream.emit, paired))
        stream.agenda.after(PAIRED_SECONDS, stream.come_up)

    async def _linked(self, scan: Scan) -> Device:
        stream = self._stream
        device, world = stream.device, stream.world
        jid = scan.jid
        if not jid:
            digits = self._phone or device.phone or await world.claim_phone(device.session_id)
            jid = f"{digits}@{jids.PHONE_SERVER}"
        push_name = scan.push_name or people.push_name(device.session_id)
        contacts_count = await world.pair(
            device, jid=jid, push_name=push_name, contacts_count=scan.contacts
        )
        if stream.phase is not Phase.CONNECTING:
            raise EngineError("The connection ended during the pairing.", retryable=True)
        return replace(device, jid=jid, push_name=push_name, contacts_count=contacts_count)
