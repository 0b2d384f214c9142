"""`python -m orsta.launcher test`: pytest, with servers that live as long as it does."""

import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from orsta.launcher import folder, processes, stack
from orsta.launcher.folder import DataFolder


def main(arguments: list[str]) -> int:
    """Run pytest and return its exit code; the servers stop whatever happens.

    `TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use instead.
    """
    with tempfile.TemporaryDirectory(prefix="orsta-test-") as name:
        data = DataFolder(Path(name))
        folder.prepare(data)
        servers = stack.prepare(
            data,
            password=secrets.token_urlsafe(18),
            database=not os.environ.get("TEST_DATABASE_URL"),
            broker=not os.environ.get("TEST_REDIS_URL"),
            say=lambda _: None,  # a new database each time is no news
            durable=False,
        )
        with stack.unsupervised(servers, durable=False):
            command = [sys.executable, "-m", "pytest", *arguments]
            env = _environment(servers.urls)
            # On SIGTERM pytest would die without tearing down; on SIGINT it does.
            return processes.foreground(command, env=env, on_sigterm=signal.SIGINT)


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
        # Every process of the run must collect the tests in one order, those from sets too.
        "PYTHONHASHSEED": "0",
    }
