"""The sandbox: an engine that behaves like WhatsApp, for customers who build without a phone.

A caller plays the other side with `act` (`sandbox.actions` says what there is). Everything that
two runs can have in common is the same in both: codes, numbers, names, contacts, waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from sessions_app.engines.base import Engine
from sessions_app.engines.capabilities import EVERY_MESSAGE, Capability
from sessions_app.engines.sandbox import provisioning
from sessions_app.engines.sandbox.connection import SandboxConnection
from sessions_app.engines.sandbox.hub import Hub

if TYPE_CHECKING:
    from sessions_app.engines.base import EventSink, SessionRef


class SandboxEngine(Engine):
    """:param dsn: the PostgreSQL database that holds the simulated WhatsApp.
    :param speed: divides every wait; the length of a ban is the caller's and stays.
    """

    name: ClassVar[str] = "sandbox"
    capabilities: ClassVar[frozenset[Capability]] = EVERY_MESSAGE | {
        Capability.PAIR_QR,
        Capability.PAIR_CODE,
        Capability.PASSKEY,
        Capability.CHECK_NUMBERS,
        Capability.CLIENT_MESSAGE_ID,
        Capability.CONTACTS,
        Capability.CONNECTION_EVENTS,
        Capability.PRESENCE,
        Capability.SIMULATION,
    }

    def __init__(self, dsn: str, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("The sandbox's speed must be above 0.")
        self._dsn = dsn
        self._speed = speed
        self._hubs: dict[asyncio.AbstractEventLoop, Hub] = {}

    def provision(self, ref: SessionRef) -> None:
        """Make room for a device. A device that is linked already stays so."""
        provisioning.provision(self._dsn, ref.session_id)

    def purge(self, ref: SessionRef) -> None:
        """Forget a device and all that it sent and got; a stream of it is logged out."""
        provisioning.purge(self._dsn, ref.session_id)

    async def connect(self, ref: SessionRef, sink: EventSink) -> SandboxConnection:
        """Open the device's newest stream; an older one is replaced.

        :raises EngineError: nobody provisioned this session, or the database failed.
        """
        hub = self._hub()
        hub.enter()
        try:
            return await SandboxConnection.open(hub, ref, sink, speed=self._speed)
        except BaseException:
            await hub.leave()
            raise

    def _hub(self) -> Hub:
        loop = asyncio.get_running_loop()
        for over in [known for known, hub in list(self._hubs.items()) if hub.over]:
            self._hubs.pop(over, None)
        if loop not in self._hubs:
            self._hubs[loop] = Hub(self._dsn, self._speed)
        return self._hubs[loop]
