"""What is said while Orsta is not ready."""

from pathlib import Path

from orsta.launcher import readiness
from orsta.launcher.folder import DataFolder
from orsta.launcher.readiness import Answer
from orsta.launcher.supervision import State

FOLDER = DataFolder(Path("/data"))
UP = State("web", "RUNNING", 7)


def sentence(answer: Answer, *states: State) -> str:
    missing = readiness._missing(answer, {state.name: state for state in states})
    return readiness.describe(answer, missing, FOLDER)


def test_a_program_that_does_not_run_is_named_with_its_log() -> None:
    text = sentence(Answer(ok=True), UP, State("worker", "BACKOFF", 0))

    assert text == "Not ready yet: worker (/data/logs/worker.log)."


def test_a_silent_web_server_is_named() -> None:
    text = sentence(Answer(ok=False), UP)

    assert text == "Not ready yet: web (/data/logs/web.log)."


def test_failed_checks_are_named() -> None:
    text = sentence(Answer(ok=False, failed=("redis", "outbox")), UP)

    assert text == "Not ready yet: the checks redis, outbox (/data/logs/web.log)."
