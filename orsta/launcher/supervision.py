"""supervisord keeps the programs running; the launcher writes its file and gives it orders."""

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from orsta.launcher import processes
from orsta.launcher.errors import CannotStart
from orsta.launcher.folder import DataFolder
from orsta.launcher.programs import Program

ANSWER_SECONDS = 20
# All stop one after another; each waits no longer than its own limit, then it is killed.
STOP_SECONDS = 180

MAIN = """\
[supervisord]
nodaemon = true
silent = true
pidfile = supervisord.pid
logfile = logs/supervisord.log
logfile_maxbytes = 10MB
logfile_backups = 3
{user}
[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command = {command}
directory = {directory}
priority = {priority}
autostart = {autostart}
autorestart = true
startsecs = 1
startretries = 20
stopsignal = {stop_signal}
stopwaitsecs = {stop_wait_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = logs/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


@dataclass(frozen=True)
class State:
    """What supervisord knows of one program."""

    name: str
    status: str  # STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN
    pid: int


def _escape(value: object) -> str:
    """Keep supervisord from reading `%` as one of its own variables."""
    return str(value).replace("%", "%%")


def config(folder: DataFolder, programs: list[Program]) -> str:
    """Return the text of supervisord's file.

    Its own paths are relative: supervisord works in the data folder, and it expands `%` in
    the name of a log twice, so that no escape survives.
    """
    main = MAIN.format(
        socket=_escape(folder.supervisor_socket),
        user="user = root\n" if os.geteuid() == 0 else "",  # root stays root, without a warning
    )
    return main + "".join(_section(program) for program in programs)


def _section(program: Program) -> str:
    return PROGRAM.format(
        name=program.name,
        command=_escape(shlex.join(program.command)),
        directory=_escape(processes.ROOT),
        priority=program.priority,
        autostart="true" if program.server else "false",
        stop_signal=program.stop_signal.name.removeprefix("SIG"),
        stop_wait_seconds=program.stop_wait_seconds,
    )


class Supervisor:
    """A running supervisord that this launcher started."""

    def __init__(self, folder: DataFolder, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    @property
    def is_alive(self) -> bool:
        """Return whether supervisord itself still runs."""
        return self.process.poll() is None

    def start(self, name: str) -> None:
        """Start one program without waiting for it."""
        with connection(self.folder) as rpc:
            rpc.startProcess(name, False)

    def states(self) -> dict[str, State]:
        """Return the state of every program by its name.

        :raises CannotStart: when supervisord was killed or told to stop by somebody else.
        """
        try:
            return states(self.folder)
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise CannotStart(
                "The supervisor was stopped from outside, and so everything was stopped: start "
                f"again; {self.folder.log('supervisord')} has the story."
            ) from error

    def stop(self) -> bool:
        """Stop the programs in order and then supervisord; return whether all left in time."""
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return False
        return True


def launch(
    folder: DataFolder, programs: list[Program], *, env: Mapping[str, str]
) -> Supervisor:
    """Write the file, start supervisord and wait until it takes orders.

    :raises CannotStart: when it does not come up.
    """
    folder.supervisor_config.write_text(config(folder, programs))
    module = ["-P", "-m", "supervisor.supervisord"]  # no imports from the data folder
    command = [sys.executable, *module, "-c", str(folder.supervisor_config)]
    errors = folder.logs / "supervisord-errors.log"
    with errors.open("wb") as output:
        process = processes.start(command, output=output, env=env, folder=folder.path)
        supervisor = Supervisor(folder, process)
    end = time.monotonic() + ANSWER_SECONDS
    while not _answers(folder):
        if not supervisor.is_alive or time.monotonic() > end:
            supervisor.stop()
            raise CannotStart(f"The supervisor did not start: {errors} says why.")
        time.sleep(0.05)
    return supervisor


def _answers(folder: DataFolder) -> bool:
    try:
        states(folder)
    except (OSError, HTTPException, xmlrpc.client.Error):
        return False
    return True


@contextmanager
def connection(folder: DataFolder) -> Iterator[Any]:
    """Open supervisord's remote control, whose methods are looked up by name."""
    transport = SupervisorTransport(None, None, f"unix://{folder.supervisor_socket}")
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
        yield proxy.supervisor


def states(folder: DataFolder) -> dict[str, State]:
    """Return the state of every program by its name."""
    with connection(folder) as rpc:
        return {
            row["name"]: State(name=row["name"], status=row["statename"], pid=row["pid"])
            for row in rpc.getAllProcessInfo()
        }
