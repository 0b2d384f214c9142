"""What Linux says of the children of a process."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat after the name (proc(5)): utime and stime.
_USER, _SYSTEM = 11, 12


@dataclass(frozen=True, slots=True)
class Host:
    """One process. PSS counts a page that processes share as a part for each."""

    pid: int
    pss_bytes: int
    private_bytes: int
    resident_bytes: int
    cpu_seconds: float  # since it started
    files: int
    threads: int


def hosts_of(parent: int) -> list[Host]:
    """Return the children of a process that live."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    return [_host(int(pid)) for one in lists for pid in one.read_text().split()]


def _host(pid: int) -> Host:
    folder = Path(f"/proc/{pid}")
    memory = _kilobytes(folder / "smaps_rollup")
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    return Host(
        pid=pid,
        pss_bytes=memory["Pss"],
        private_bytes=memory["Private_Clean"] + memory["Private_Dirty"],
        resident_bytes=memory["Rss"],
        cpu_seconds=(int(times[_USER]) + int(times[_SYSTEM])) / _TICKS,
        files=sum(1 for _ in (folder / "fd").iterdir()),
        threads=sum(1 for _ in (folder / "task").iterdir()),
    )


def _kilobytes(path: Path) -> dict[str, int]:
    """Return a table of "Name: 12 kB" lines, in bytes."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {
        parts[0].rstrip(":"): int(parts[1]) * 1024 for parts in lines if parts[-1:] == ["kB"]
    }
