"""`python -m orsta.launcher test`: pytest, with servers that live as long as it does."""

import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from orsta.launcher import folder, processes, stack
from orsta.launcher.console import say
from orsta.launcher.folder import DataFolder


def main(arguments: list[str]) -> int:
    """Run pytest and return its exit code; the servers stop whatever happens.

    `TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use instead.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="orsta-test-") as name:
        data = DataFolder(Path(name))
        folder.prepare(data)
        servers = stack.prepare(
            data,
            password=secrets.token_urlsafe(18),
            database=not os.environ.get("TEST_DATABASE_URL"),
            broker=not os.environ.get("TEST_REDIS_URL"),
            say=say,
            durable=False,
        )
        with stack.unsupervised(servers, durable=False):
            return processes.foreground(_pytest(arguments), env=_environment(servers.urls))


def _pytest(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _environment(urls: dict[str, str]) -> dict[str, str]:
    given = {
        name: os.environ[f"TEST_{name}"]
        for name in ("DATABASE_URL", "REDIS_URL")
        if os.environ.get(f"TEST_{name}")
    }
    return {
        **os.environ,
        **urls,
        **given,
        "ORSTA_ENVIRONMENT": "test",
        "DJANGO_SETTINGS_MODULE": "orsta.settings.test",
    }
