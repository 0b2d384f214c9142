"""The embedded servers of one start, and the environment that leads to them and to others."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from subprocess import Popen, TimeoutExpired

from orsta.launcher import postgres, processes, programs, valkey
from orsta.launcher.folder import DataFolder
from orsta.launcher.options import Options
from orsta.launcher.postgres import Postgres
from orsta.launcher.valkey import Valkey

Say = Callable[[str], None]


@dataclass(frozen=True)
class Servers:
    """The embedded servers to run: none of a kind when the caller brought an address."""

    folder: DataFolder
    postgres: Postgres | None
    valkey: Valkey | None

    @property
    def urls(self) -> dict[str, str]:
        """The addresses of the embedded ones."""
        urls = {}
        if self.postgres:
            urls["DATABASE_URL"] = self.postgres.url
        if self.valkey:
            urls["REDIS_URL"] = self.valkey.url
        return urls

    def programs(self, *, durable: bool = True) -> list[programs.Program]:
        """Return them as programs to supervise."""
        found = []
        if self.postgres:
            found.append(programs.postgres(self.postgres.command(durable=durable)))
        if self.valkey:
            found.append(programs.valkey(self.valkey.command()))
        return found

    def wait_until_ready(self, *, alive: Callable[[], bool]) -> None:
        """Return when all of them answer; `alive` tells whether there is hope."""
        if self.postgres:
            log = self.folder.log("postgres")
            postgres.wait_until_ready(self.postgres, log=log, alive=alive)
        if self.valkey:
            log = self.folder.log("valkey")
            valkey.wait_until_ready(self.valkey, log=log, alive=alive)


def check_given(options: Options) -> None:
    """Make sure that the servers which the caller brought answer.

    :raises CannotStart: when one does not.
    """
    if options.database_url:
        postgres.check_given(options.database_url)
    if options.redis_url:
        valkey.check_given(options.redis_url)


def prepare(
    folder: DataFolder,
    *,
    password: str,
    database: bool,
    broker: bool,
    say: Say,
    durable: bool = True,
) -> Servers:
    """Make the embedded servers that are wanted ready to be started.

    :raises CannotStart: when one can't run here.
    """
    server = cache = None
    if database:
        server = postgres.locate(data=folder.postgres, sockets=folder.sockets)
        if not postgres.is_initialized(server):
            say("Creating the database (only at the first start)")
            postgres.initialize(server)
        server.data.chmod(0o700)  # or PostgreSQL refuses it, as after a careless copy
        server.rights.give(server.data)
    if broker:
        cache = valkey.locate(data=folder.valkey, password=password)
        cache.write_config(durable=durable)
    return Servers(folder=folder, postgres=server, valkey=cache)


@contextmanager
def unsupervised(servers: Servers, *, durable: bool = True) -> Iterator[None]:
    """Run the servers for the length of a command, and stop them whatever happens."""
    started: list[tuple[programs.Program, Popen[bytes]]] = []
    try:
        for program in servers.programs(durable=durable):
            with servers.folder.log(program.name).open("ab") as output:
                started.append((program, processes.start(program.command, output=output)))
        servers.wait_until_ready(
            alive=lambda: all(process.poll() is None for _, process in started)
        )
        yield
    finally:
        processes.on_ending(signal.SIG_IGN)  # a second one must not break this off
        for program, process in reversed(started):
            _stop(program, process)


def _stop(program: programs.Program, process: Popen[bytes]) -> None:
    process.send_signal(program.stop_signal)
    with suppress(TimeoutExpired):
        process.wait(program.stop_wait_seconds)
        return
    process.kill()
    process.wait()
