"""Waiting until Orsta answers: `/readyz` says 200 and every program runs."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from orsta.launcher.errors import CannotStart
from orsta.launcher.folder import DataFolder
from orsta.launcher.options import Options
from orsta.launcher.supervision import State, Supervisor

NOTICE_SECONDS = 60
GIVE_UP_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What `/readyz` said; `failed` names the checks that are not well."""

    ok: bool
    failed: tuple[str, ...] = ()


def ask(options: Options) -> Answer:
    """Ask `/readyz` once; a web process that does not answer yet is not ready."""
    address = urlsplit(options.url)
    allowed = options.environment.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    headers = {"Host": allowed} if allowed and allowed != "*" else {}
    client = HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        client.request("GET", "/readyz", headers=headers)
        response = client.getresponse()
        body = json.loads(response.read() or b"{}")
    except (OSError, HTTPException, ValueError):
        return Answer(ok=False)
    else:
        checks = body.get("checks", {})
        failed = tuple(name for name, check in checks.items() if not check.get("ok"))
        return Answer(ok=response.status == 200, failed=failed)
    finally:
        client.close()


def _missing(answer: Answer, states: dict[str, State]) -> list[str]:
    """Return the names of the programs that do not run, and `web` if it does not answer."""
    down = [state.name for state in states.values() if state.status != "RUNNING"]
    silent = ["web"] if not answer.ok and not answer.failed and "web" not in down else []
    return down + silent


def describe(answer: Answer, missing: list[str], folder: DataFolder) -> str:
    """Say in one sentence what is not ready and where to read why."""
    parts = [f"{name} ({folder.log(name)})" for name in missing]
    if answer.failed:
        parts.append(f"the checks {', '.join(answer.failed)} ({folder.log('web')})")
    return f"Not ready yet: {', '.join(parts) or 'web'}."


def wait(options: Options, supervisor: Supervisor, *, say: Callable[[str], None]) -> None:
    """Return when everything is ready.

    :raises CannotStart: when a program keeps failing or the time is up.
    """
    begin = time.monotonic()
    noticed = False
    while True:
        answer, states = ask(options), supervisor.states()
        missing = _missing(answer, states)
        if answer.ok and not missing:
            return
        sentence = describe(answer, missing, options.folder)
        if any(state.status == "FATAL" for state in states.values()):
            raise CannotStart(f"A program keeps failing. {sentence}")
        passed = time.monotonic() - begin
        if passed > GIVE_UP_SECONDS:
            raise CannotStart(f"Orsta did not become ready in {GIVE_UP_SECONDS} s. {sentence}")
        if passed > NOTICE_SECONDS and not noticed:
            say(sentence)
            noticed = True
        time.sleep(0.2)
