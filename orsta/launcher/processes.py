"""The only place that starts processes, always from a list and never through a shell."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

ROOT = Path(__file__).resolve().parent.parent.parent  # the project, where manage.py is
# What asks us to end: Ctrl-C, whoever manages services, a terminal that closes.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], object] | signal.Handlers


def on_ending(handler: Handler, *, of: Sequence[signal.Signals] = ENDINGS) -> None:
    """Set what the signals do that ask us to end; what `nohup` has us ignore stays ignored."""
    for number in of:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


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

    Ctrl-C is the child's affair: we wait until it has cleaned up. SIGTERM is passed on, and so
    is a terminal that closes, since whoever called has servers to stop.
    """
    # Before the start: a handler becomes the default in the child, where a shell's "ignore"
    # for a background job would stay.
    on_ending(lambda *_: None, of=[signal.SIGINT])
    with subprocess.Popen(command, env=env) as child:  # noqa: S603
        on_ending(lambda *_: child.send_signal(on_sigterm), of=[signal.SIGTERM, signal.SIGHUP])
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
