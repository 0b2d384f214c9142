"""What can go wrong with a stream of the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sessions_app.engines import events
from sessions_app.engines.sandbox.actions import PAIRING_FAULT

if TYPE_CHECKING:
    from sessions_app.engines.sandbox.actions import Trouble
    from sessions_app.engines.sandbox.stream import Stream

# Waits at speed 1.
DROP_SECONDS = 1.0  # from a broken stream until the next one is up
RESTART_SECONDS = 0.2  # the same, when the server asked for it


async def strike(trouble: Trouble, stream: Stream) -> None:
    """Let it happen, now or at the next scan.

    :raises EngineError: it can only happen to a stream that is up, and this one is not.
    """
    match trouble.kind:
        case "connect_failed":
            stream.finish(events.ConnectFailed(trouble.failure, "simulated"))
        case kind if kind == PAIRING_FAULT:
            await stream.world.arm(stream.device.session_id, kind)
            stream.pairing.wants_passkey = True
        case _:
            stream.require_connected()
            await _strike_up(trouble, stream)


async def _strike_up(trouble: Trouble, stream: Stream) -> None:
    match trouble.kind:
        case "drop":
            gone = events.Disconnected("The socket closed (simulated).")
            stream.break_off(gone, DROP_SECONDS)
        case "restart":
            gone = events.Disconnected("Stream error 515: restart.")
            stream.break_off(gone, RESTART_SECONDS)
        case "degraded":
            mute = events.Degraded("No answer to a ping (simulated).")
            stream.break_off(mute, trouble.seconds)
        case "silent":
            stream.silent = True
        case _:
            await _refuse(trouble, stream)


async def _refuse(trouble: Trouble, stream: Stream) -> None:
    """Let WhatsApp itself turn against the device."""
    device = stream.device
    match trouble.kind:
        case "restricted":
            until = datetime.now(UTC) + timedelta(seconds=trouble.seconds)
            await stream.show([events.Restricted(until)])
        case "replaced":
            stream.finish(events.Replaced())
        case "logged_out":
            await stream.world.unlink(device)
            stream.device = replace(device, jid="")
            stream.finish(events.LoggedOut("The phone removed the device."))
        case "temp_ban":
            until = await stream.world.ban(device, code=trouble.code, seconds=trouble.seconds)
            stream.ban(trouble.code, until)
