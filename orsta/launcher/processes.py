"""The only place that starts processes, always from a list and never through a shell."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent.parent  # the project, where manage.py is


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run to the end in the project folder; `quiet` keeps what it prints for the caller.

    The child has its own process group: Ctrl-C reaches the launcher alone, which stops
    things in order.
    """
    return subprocess.run(  # noqa: S603 - every command is built in this package
        command,
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
        process_group=0,
    )


def foreground(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    on_sigterm: signal.Signals = signal.SIGTERM,
) -> int:
    """Run with the terminal and return the exit code, as a shell would.

    Ctrl-C is the child's affair: we wait until it has cleaned up. SIGTERM is passed on.
    """
    # Before the start: a handler becomes the default in the child, where a shell's "ignore"
    # for a background job would stay.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command, env=env) as child:  # noqa: S603
        signal.signal(signal.SIGTERM, lambda *_: child.send_signal(on_sigterm))
        code = child.wait()
    return 128 - code if code < 0 else code


def start(
    command: Sequence[str],
    *,
    output: IO[bytes],
    env: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> subprocess.Popen[bytes]:
    """Start in a session of its own, away from the terminal's signals."""
    return subprocess.Popen(  # noqa: S603 - every command is built in this package
        command,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
