"""Single commands with the environment of this data folder: `exec` and `program`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orsta.launcher import (
    engines,
    env_files,
    folder,
    leftovers,
    options,
    postgres,
    processes,
    programs,
    stack,
)
from orsta.launcher.console import complain
from orsta.launcher.errors import CannotStart
from orsta.launcher.options import Options


def execute(command: list[str]) -> int:
    """Run any command; return its exit code."""
    chosen = options.read()
    with _environment(chosen) as env:
        if not chosen.database_url:  # psql and pg_dump of the server's own version
            env["PATH"] = f"{postgres.binaries()}{os.pathsep}{env.get('PATH', os.defpath)}"
        return processes.foreground(command, env=env)


def program(arguments: list[str]) -> int:
    """Run one of Orsta's own programs in the foreground; return its exit code.

    :raises CannotStart: when there is none of that name.
    """
    chosen = options.read()
    own = programs.orsta(host=chosen.host, port=chosen.port, data=str(chosen.folder.path))
    name = " ".join(arguments)
    found = next((item for item in own if item.name == name), None)
    if found is None:
        known = ", ".join(item.name for item in own)
        raise CannotStart(f"There is no program {name}: use one of {known}.")
    return execute(list(found.command))


def seed() -> int:
    """Migrate, and make the first rows and the credentials file, as a start does."""
    chosen = options.read()
    folder.prepare(chosen.folder)
    arguments = ["--migrate", "--credentials", str(chosen.folder.credentials)]
    with _environment(chosen) as env:
        secrets = env_files.load_secrets(chosen.folder.secrets)
        command = [sys.executable, "manage.py", "seed", *arguments, "--url", chosen.url]
        return processes.foreground(command, env={**secrets, **env})


@contextmanager
def _environment(chosen: Options) -> Iterator[dict[str, str]]:
    """Use the servers of a running Orsta on this data, or start them for this command."""
    folder.prepare(chosen.folder)
    if folder.in_use(chosen.folder):
        secrets = env_files.load_secrets(chosen.folder.secrets)
        yield chosen.for_programs(secrets=secrets, urls=_running(chosen))
        return
    with folder.locked(chosen.folder):
        leftovers.clear(chosen.folder, say=complain)
        secrets = env_files.load_secrets(chosen.folder.secrets)
        servers = stack.prepare(
            chosen.folder,
            password=secrets["VALKEY_PASSWORD"],
            database=not chosen.database_url,
            broker=not chosen.redis_url,
            say=complain,
        )
        urls = engines.with_engine(chosen, servers.urls, secrets=secrets)
        with stack.unsupervised(servers):
            chosen.folder.write_stack(urls)
            try:
                yield chosen.for_programs(secrets=secrets, urls=urls)
            finally:
                chosen.folder.release()


def _running(chosen: Options) -> dict[str, str]:
    """Return the addresses of the embedded servers that a running launcher recorded.

    :raises CannotStart: when it has not come so far.
    """
    urls = chosen.folder.read_stack()
    if urls is None:
        raise CannotStart(
            f"Orsta is starting or stopping on {chosen.folder.path}: try again in a moment."
        )
    return urls
