"""The processes of a running Orsta, in the order in which they start."""

import sys
from dataclasses import dataclass
from signal import Signals

PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    """One supervised process. Those with a higher `priority` start later and stop earlier."""

    name: str
    command: tuple[str, ...]
    priority: int
    stop_signal: Signals = Signals.SIGTERM
    stop_wait_seconds: int = 15
    server: bool = False  # started before migrations, by supervisord itself


def postgres(command: list[str]) -> Program:
    """Return the embedded PostgreSQL; SIGINT is its fast shutdown."""
    return Program(
        name="postgres",
        command=tuple(command),
        priority=10,
        stop_signal=Signals.SIGINT,
        stop_wait_seconds=60,
        server=True,
    )


def valkey(command: list[str]) -> Program:
    """Return the embedded Valkey; it writes its data on SIGTERM."""
    return Program(
        name="valkey",
        command=tuple(command),
        priority=20,
        stop_wait_seconds=30,
        server=True,
    )


def orsta(*, host: str, port: int, data: str, python: str = PYTHON) -> list[Program]:
    """Return Orsta's own processes. The `Procfile` says the same."""
    celery = (python, "-m", "celery", "-A", "orsta")
    manage = (python, "manage.py")
    schedule = ("--schedule", f"{data}/celerybeat-schedule", "--pidfile=")
    work = ("--concurrency", "2", "--prefetch-multiplier", "1")
    web = (
        *(python, "-m", "uvicorn", "orsta.asgi:application"),
        *("--host", host, "--port", str(port), "--no-access-log"),
        # By itself it believes X-Forwarded-For from 127.0.0.1; ORSTA_TRUSTED_PROXIES decides.
        "--no-proxy-headers",
        *("--lifespan", "on", "--timeout-graceful-shutdown", "5"),
        *("--ws-max-size", "1048576"),
    )
    return [
        Program("relay", (*manage, "run_relay"), 30),
        Program("beat", (*celery, "beat", "-l", "info", *schedule), 40),
        Program("worker", (*celery, "worker", "-l", "info", *work), 50, stop_wait_seconds=20),
        # It closes its connections and gives its sessions away; what is being sent ends first.
        Program("runner", (*manage, "run_sessions"), 60, stop_wait_seconds=30),
        Program("web", web, 70),
    ]
