"""`python -m orsta.launcher run`: everything, until Ctrl-C."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from types import FrameType

from orsta.launcher import (
    console,
    engines,
    env_files,
    folder,
    leftovers,
    options,
    processes,
    programs,
    readiness,
    stack,
    supervision,
)
from orsta.launcher.console import say
from orsta.launcher.errors import CannotStart
from orsta.launcher.options import Options
from orsta.launcher.supervision import State, Supervisor

WATCH_SECONDS = 2.0


class Stopped(BaseException):
    """A signal asked us to stop; not an error, so nothing that catches errors sees it."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    processes.on_ending(signal.SIG_IGN)  # a second Ctrl-C must not break off the stop
    raise Stopped


def main() -> int:
    """Run until a signal comes; return the exit code.

    :raises CannotStart: when something is in the way.
    """
    processes.on_ending(_stop)
    try:
        chosen = options.read()
        folder.prepare(chosen.folder)
        with folder.locked(chosen.folder):
            _run(chosen)
    except Stopped:
        say("Stopped")
    return 0


def _run(chosen: Options) -> None:
    """Start everything, watch it, and stop it however that ends."""
    leftovers.clear(chosen.folder, say=say)
    _check(chosen)
    secrets = env_files.load_secrets(chosen.folder.secrets)
    servers = stack.prepare(
        chosen.folder,
        password=secrets["VALKEY_PASSWORD"],
        database=not chosen.database_url,
        broker=not chosen.redis_url,
        say=say,
    )
    urls = engines.with_engine(chosen, servers.urls, secrets=secrets)
    env = chosen.for_programs(secrets=secrets, urls=urls)
    own = programs.orsta(host=chosen.host, port=chosen.port, data=str(chosen.folder.path))
    supervisor: Supervisor | None = None
    try:
        supervisor = supervision.launch(
            chosen.folder,
            [*servers.programs(), *own],
            env={**env, options.MARKER: str(chosen.folder.path)},
        )
        servers.wait_until_ready(alive=lambda: supervisor.is_alive)
        chosen.folder.write_stack(urls)
        engines.prepare(chosen, env=env, say=say)
        _fill(chosen, env={**secrets, **env})
        _open(chosen, supervisor, own)
        _watch(chosen, supervisor)
    finally:
        _close(chosen, supervisor)


def _check(chosen: Options) -> None:
    """Find what would be in the way, before anything is started."""
    options.check_address(chosen)
    engines.check(chosen)
    stack.check_given(chosen)


def _fill(chosen: Options, *, env: Mapping[str, str]) -> None:
    """Bring the database up to date and make sure that its first rows are there."""
    say("Migrating the database and checking its first rows")
    arguments = ["--migrate", "--credentials", str(chosen.folder.credentials)]
    command = [sys.executable, "manage.py", "seed", *arguments, "--url", chosen.url]
    if processes.run(command, env=env).returncode != 0:
        raise CannotStart(
            "The database could not be prepared, as the lines above say: correct that and "
            "start again; what is done already stays."
        )


def _open(chosen: Options, supervisor: Supervisor, own: list[programs.Program]) -> None:
    """Start Orsta's programs and say where they are when they answer."""
    say(f"Starting {', '.join(program.name for program in own)}")
    for program in own:
        supervisor.start(program.name)
    readiness.wait(chosen, supervisor, say=say)
    say(console.banner(chosen))
    if advice := engines.advice(chosen):
        say(f"{advice}\n")


def _watch(chosen: Options, supervisor: Supervisor) -> None:
    """Say what dies and is started again, until a signal comes."""
    settled = supervisor.states()
    while True:
        time.sleep(WATCH_SECONDS)
        states = supervisor.states()
        for sentence in _changes(chosen, settled, states):
            say(sentence)


def _changes(
    chosen: Options, settled: dict[str, State], states: dict[str, State]
) -> Iterator[str]:
    """Tell what has another process or has given up, and remember it in `settled`."""
    for name, state in states.items():
        before, log = settled[name], chosen.folder.log(name)
        if state.status == "RUNNING" and state.pid != before.pid:
            yield f"{name} had stopped and was started again ({log})"
        elif state.status == "FATAL" and before.status != "FATAL":
            yield f"{name} keeps failing and is not started again ({log})"
        if state.status in ("RUNNING", "FATAL"):  # what is between the two is not news
            settled[name] = state


def _close(chosen: Options, supervisor: Supervisor | None) -> None:
    """Stop everything in order and make sure that nothing is left."""
    processes.on_ending(signal.SIG_IGN)
    if supervisor is not None:
        say("Stopping; this takes some seconds")
        if not supervisor.stop():
            console.complain("Some programs did not stop in time and were killed")
    leftovers.stop(chosen.folder)
    chosen.folder.release()
