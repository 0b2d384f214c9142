"""The Orsta to measure: one of its own in a temporary folder, or one that runs already."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orsta.launcher.folder import DataFolder
from orsta.launcher.valkey import free_port

_START_SECONDS = 240
_STOP_SECONDS = 120
# The launcher starts its own servers, whatever the caller's shell points to.
_OWN = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "ORSTA_ENVIRONMENT": "development",
    "HOST": "",
    "ORSTA_LIMITS": "*=1000000000/60",  # counted as ever, and never enough
}
# A command that has plans limit nothing but sessions: who measures takes more than they give.
LIFT_LIMITS = (
    *(sys.executable, "manage.py", "shell", "--no-imports", "-c"),
    "from subscriptions.models import PlanEntitlement as Entitlement;"
    "Entitlement.objects.exclude(feature='SESSIONS').update(limit=None)",
)
_FOREIGN = frozenset({"DJANGO_SETTINGS_MODULE", "ALLOWED_HOSTS", "ORSTA_SANDBOX_SPEED"})


@dataclass(frozen=True)
class Target:
    """Where it is, and how its servers are reached; no addresses when it is somebody else's."""

    url: str
    servers: dict[str, str]


@contextmanager
def own() -> Iterator[Target]:
    """Start a whole Orsta as `make run` does, and stop it after the block."""
    with tempfile.TemporaryDirectory(prefix="orsta-bench-") as name:
        folder = DataFolder(Path(name) / "data")
        output = Path(name) / "launcher.out"
        port = free_port()
        kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
        env = {**kept, **_OWN, "ORSTA_DATA": str(folder.path), "PORT": str(port)}
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "orsta.launcher", "run"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(process, output, f"Orsta runs at {url}")
            _lift_limits(env)
            yield Target(url, folder.read_stack() or {})
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_STOP_SECONDS)


def _lift_limits(env: Mapping[str, str]) -> None:
    subprocess.run(  # noqa: S603 - our own launcher
        [sys.executable, "-m", "orsta.launcher", "exec", *LIFT_LIMITS],
        env=env,
        check=True,
    )


def _wait(process: subprocess.Popen[bytes], output: Path, sign: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while sign not in output.read_text():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Orsta did not start:\n{output.read_text()}")
        time.sleep(0.2)
