"""A real Orsta in a folder of its own: what `make run` starts, with handles for tests."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

from orsta.bench.target import LIFT_LIMITS
from orsta.launcher import leftovers, supervision
from orsta.launcher.folder import DataFolder
from orsta.launcher.processes import ROOT
from orsta.tests.e2e.client import eventually

START_SECONDS = 240  # a busy machine with two cores
STOP_SECONDS = 120
RESTART_SECONDS = 60
# Set by the suite's own run or by a person; an empty address means an embedded server.
OWN = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "ORSTA_ENVIRONMENT": "development",
    "HOST": "",
    "ENGINE": "",
    "ORSTA_LIMITS": "*=1000000/60",  # all of its customers come from one address
}
FOREIGN = ("DJANGO_SETTINGS_MODULE", "TEST_DATABASE_URL", "TEST_REDIS_URL", "ALLOWED_HOSTS")


def launcher(*arguments: str) -> list[str]:
    """Return the launcher's command line."""
    return [sys.executable, "-m", "orsta.launcher", *arguments]


def environment(data: Path, port: int, **extra: str) -> dict[str, str]:
    """Return an environment as a person's shell has it."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**kept, **OWN, "ORSTA_DATA": str(data), "PORT": str(port), **extra}


def call(*arguments: str, data: Path, port: int, **extra: str) -> tuple[int, str]:
    """Run the launcher to its end; return the exit code and the error channel."""
    done = subprocess.run(  # noqa: S603 - our own launcher
        launcher(*arguments),
        cwd=ROOT,
        env=environment(data, port, **extra),
        capture_output=True,
        text=True,
        timeout=STOP_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr


@dataclass
class Stack:
    """One running Orsta."""

    data: Path
    port: int
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _file: IO[bytes] | None = None

    @property
    def base_url(self) -> str:
        """Where its web server is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> DataFolder:
        """Its data folder, as the launcher sees it."""
        return DataFolder(self.data)

    @property
    def credentials(self) -> dict[str, Any]:
        """What the seed wrote: url, staff, internal_api_key and demo."""
        found: dict[str, Any] = json.loads(self.folder.credentials.read_text())
        return found

    @property
    def output(self) -> str:
        """Everything that the launcher printed."""
        return self.data.with_suffix(".out").read_text()

    def start(self) -> None:
        """Start the launcher and return when it has printed where Orsta is."""
        self._file = self.data.with_suffix(".out").open("wb")
        self.process = subprocess.Popen(  # noqa: S603 - our own launcher
            launcher("run"),
            cwd=ROOT,
            env=environment(self.data, self.port, **self.extra),
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
        )
        try:
            eventually("Orsta is ready", self._is_ready, seconds=START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def lift_limits(self) -> None:
        """Let its plans limit nothing but sessions."""
        code, said = call("exec", *LIFT_LIMITS, data=self.data, port=self.port)
        assert code == 0, said

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the launcher ended:\n{self.output}"
        return f"Orsta runs at {self.base_url}" in self.output

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal the launcher and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        assert self._file is not None
        self._file.close()
        return code

    def left(self) -> list[int]:
        """Return the processes of this Orsta that still run."""
        return leftovers.find(self.folder)

    def get(self, path: str, **headers: str) -> int:
        """Return the status of a GET; 0 when nobody answers."""
        client = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", path, headers=headers)
            return client.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            client.close()

    def pid_of(self, program: str) -> int:
        """Return the process id of a supervised program; 0 while it does not run."""
        state = supervision.states(self.folder)[program]
        return state.pid if state.status == "RUNNING" else 0

    def kill(self, program: str) -> int:
        """Kill a supervised program without warning; return the id that it had."""
        process = self.pid_of(program)
        assert process, f"{program} does not run"
        os.kill(process, signal.SIGKILL)
        return process

    def logs(self, program: str) -> str:
        """Return what a program wrote so far."""
        return self.folder.log(program).read_text()

    def wait_until_replaced(self, program: str, process: int) -> None:
        """Return when the program runs again with another process."""
        eventually(
            f"{program} again",
            lambda: self.pid_of(program) not in (0, process),
            seconds=RESTART_SECONDS,
        )

    def wait_until_ready(self) -> None:
        """Return when `/readyz` is well."""
        eventually(
            "/readyz is 200", lambda: self.get("/readyz") == 200, seconds=RESTART_SECONDS
        )
