"""The process that runs neonize for one session. Started by `neonize.process`; no Django.

    python -m sessions_app.engines.neonize.host <socket> <parent's pid> <memory limit, MB>
    python -m sessions_app.engines.neonize.host --prepare  < the device store's address

neonize can abort its process at any time, holds threads that never end and prints secrets to
stdout: hence a process, which is only ever ended by killing it. Secrets come in the first
frame of the socket, never in arguments or the environment.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING

from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import frames, store
from sessions_app.engines.neonize.spool import SpoolBusy

if TYPE_CHECKING:
    from collections.abc import Sequence

SILENCE_SECONDS = 15  # of the runner, whose lease may be somebody else's by then
_FAREWELL_SECONDS = 3  # after the runner's end, for what had come by then to be kept
_WRONG_START, _NOT_READY, _RUNNER_GONE = 64, 69, 75  # exit codes
# Go and every thread reserve address space that they never use: of the limit on resident
# memory, which the runner watches, this is a backstop. 180 MB are in it at the start.
_DATA_PER_MEMORY = 2
_DATA_RESERVE_MB = 512


def main(argv: Sequence[str] | None = None) -> int:
    """Run a host until its runner ends it; return the process's exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if os.environ.get("NEONIZE_BOT_TAG") != "off":
        # Go reads it at its own start: without it, messages would say that a bot wrote them.
        print("NEONIZE_BOT_TAG must be off.", file=sys.stderr)  # noqa: T201 (no log here)
        return _WRONG_START
    if arguments == ["--prepare"]:
        return _prepare(sys.stdin.readline().strip())
    descriptor, parent, memory_mb = map(int, arguments)
    if os.getppid() != parent:
        return _exit(_RUNNER_GONE)
    _live_for(SILENCE_SECONDS)
    _limit(memory_mb)
    _silence_output()
    return asyncio.run(_serve(socket.socket(fileno=descriptor)))


def _prepare(dsn: str) -> int:
    """Run whatsmeow's migration by asking it for what the store holds."""
    # Not above: it loads neonize, whose start reads the environment.
    from neonize.aioze.client import ClientFactory

    _silence_output()
    ClientFactory.get_all_devices_from_db(store.address_for_whatsmeow(dsn))
    return _exit(0)


async def _serve(channel: socket.socket) -> int:
    reader, writer = await asyncio.open_connection(sock=channel)
    frame = await frames.read(reader)
    if frame is None or "start" not in frame:
        return _exit(_WRONG_START)
    from sessions_app.engines.neonize.session import HostedSession

    session = HostedSession(frame["start"], writer)
    try:
        await session.start()
    except (EngineError, SpoolBusy) as error:  # a later host may have more luck
        writer.write(frames.encode({"unready": str(error)}))
        await writer.drain()
        return _exit(_NOT_READY)
    while (frame := await frames.read(reader)) is not None:
        _live_for(SILENCE_SECONDS)
        session.obey(frame)
    # The socket ends with the runner, however it ended.
    _live_for(_FAREWELL_SECONDS)
    await session.leave()
    return _exit(_RUNNER_GONE)


def _live_for(seconds: int) -> None:
    """Have the kernel end this process then, unless it is called again; whatever hangs here."""
    signal.alarm(seconds)


def _exit(code: int) -> int:
    """End at once: Go's threads would keep the interpreter from ending."""
    os._exit(code)


def _limit(memory_mb: int) -> None:
    data = (memory_mb * _DATA_PER_MEMORY + _DATA_RESERVE_MB) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(
        resource.RLIMIT_CORE, (0, 0)
    )  # a core file would hold the account's keys


def _silence_output() -> None:
    """Throw away what is printed: codes, numbers, texts. A crash's words go to stderr."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
