"""What an earlier launcher left running when it was killed: found, named and stopped.

supervisord and Orsta's processes carry the data folder in their environment. PostgreSQL and
Valkey overwrite theirs, but work in folders of ours.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orsta.launcher.folder import DataFolder
from orsta.launcher.options import MARKER

ORDERLY_SECONDS = 120
GRACE_SECONDS = 20
SERVERS = ("postgres", "valkey-server")


def find(folder: DataFolder) -> list[int]:
    """Return the ids of the processes of this data folder."""
    numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return sorted(number for number in numbers if _is_ours(number, folder))


def _is_ours(process: int, folder: DataFolder) -> bool:
    """Return whether it runs and belongs to this data folder; another user's never does."""
    home = Path("/proc") / str(process)
    try:
        if _is_zombie(home):
            return False
        mark = f"{MARKER}={folder.path}".encode()
        if mark in (home / "environ").read_bytes().split(b"\0"):
            return True
        name = (home / "exe").readlink().name
        return name in SERVERS and (home / "cwd").readlink().is_relative_to(folder.path)
    except OSError:  # it ended meanwhile, or is another user's
        return False


def _is_zombie(home: Path) -> bool:
    """Return whether it ended already and only waits to be collected."""
    return (home / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "Z"


def clear(folder: DataFolder, *, say: Callable[[str], None]) -> None:
    """Stop what an earlier start left, after saying so."""
    if found := find(folder):
        say(f"An earlier Orsta on this data still runs: stopping its {len(found)} processes")
        stop(folder)


def stop(folder: DataFolder) -> None:
    """Stop all processes of this data, in order if their supervisor still lives."""
    try:
        supervisor = int(folder.supervisor_pid.read_text())
    except (OSError, ValueError):
        supervisor = 0
    if supervisor in find(folder):
        _signal(supervisor, signal.SIGTERM)
        _wait(folder, ORDERLY_SECONDS)
    _sweep(folder)


def _sweep(folder: DataFolder) -> None:
    """Stop whatever is left, by force if need be."""
    left = find(folder)
    for process in left:
        # SIGINT is PostgreSQL's fast shutdown; on SIGTERM it waits for its clients.
        _signal(process, signal.SIGINT if _is_postgres(process) else signal.SIGTERM)
    if left and not _wait(folder, GRACE_SECONDS):
        for process in find(folder):
            _signal(process, signal.SIGKILL)
        _wait(folder, GRACE_SECONDS)


def _is_postgres(process: int) -> bool:
    with suppress(OSError):
        return (Path("/proc") / str(process) / "exe").readlink().name == "postgres"
    return False


def _signal(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _wait(folder: DataFolder, seconds: float) -> bool:
    """Return whether all ended in time."""
    end = time.monotonic() + seconds
    while find(folder):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
