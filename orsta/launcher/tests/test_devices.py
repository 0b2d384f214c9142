"""The database of devices: apart from Orsta's own, and closed to its role."""

import io
import os
import subprocess
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import sql

from orsta.launcher import devices, postgres
from orsta.launcher.devices import Store
from orsta.launcher.errors import CannotStart

ADMIN = os.environ["DATABASE_URL"]


def run(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query)
        return found.fetchall() if found.description else []


def address(role: str, password: str, database: str = "") -> str:
    """Return this server's address with another login."""
    server = urlsplit(ADMIN)
    place = server.netloc.rpartition("@")[2]
    path = f"/{database}" if database else server.path
    return server._replace(netloc=f"{role}:{password}@{place}", path=path).geturl()


@pytest.fixture
def store() -> Iterator[Store]:
    """A store that is not there yet; it goes after the test, with an app's role beside it."""
    name = f"devices_{uuid.uuid4().hex[:12]}"
    yield Store(role=name, database=name, password="it's secret")
    with psycopg.connect(ADMIN, autocommit=True) as connection:
        for kind in ("DATABASE", "ROLE"):
            statement = sql.SQL("DROP {} IF EXISTS {}")
            connection.execute(statement.format(sql.SQL(kind), sql.Identifier(name)))


@pytest.fixture
def app_role() -> Iterator[str]:
    """An ordinary role, as Orsta's own is when it is deployed."""
    name = f"app_{uuid.uuid4().hex[:12]}"
    run(ADMIN, f"CREATE ROLE {name} LOGIN PASSWORD 'app'")
    yield name
    run(ADMIN, f"DROP ROLE {name}")


def test_the_address_is_beside_orstas_own_database() -> None:
    orstas = "postgres://orsta:pw@db:5433/orsta?sslmode=require&pool=5"
    tcp = devices.beside(orstas, password="p/w")
    socket = devices.beside("postgresql://orsta@/orsta?host=%2Fsrv%2Frun", password="pw")

    assert tcp == "postgres://orsta_devices:p%2Fw@db:5433/orsta_devices?sslmode=require"
    assert socket == "postgresql://orsta_devices:pw@/orsta_devices?host=%2Fsrv%2Frun"
    assert Store.of(tcp) == Store("orsta_devices", "orsta_devices", "p/w")


@pytest.mark.parametrize(
    "dsn", ["", "mysql://a:b@c/d", "postgres://db/orsta", "postgres://a@db"]
)
def test_what_is_no_address_of_a_store_is_refused(dsn: str) -> None:
    with pytest.raises(ValueError, match="postgres://role:password@host:5432/database"):
        Store.of(dsn)


def test_its_owner_is_its_role_and_nobody_else_may_connect(store: Store, app_role: str) -> None:
    devices.ensure(store, admin_url=ADMIN)
    devices.ensure(store, admin_url=ADMIN)

    owners = run(ADMIN, "SELECT datname, pg_get_userbyid(datdba) FROM pg_database")
    assert (store.database, store.role) in owners
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        run(address(app_role, "app", store.database), "SELECT 1")


def test_a_dump_of_orstas_database_holds_no_device(store: Store) -> None:
    devices.ensure(store, admin_url=ADMIN)
    own = address(store.role, "x", store.database)
    run(own, "CREATE SCHEMA orsta_devices")
    run(own, "CREATE TABLE orsta_devices.whatsmeow_device AS SELECT 'noise-key' AS key")

    dump = subprocess.run(  # noqa: S603 (the server's own program)
        [postgres.binaries() / "pg_dump", ADMIN], capture_output=True, text=True, check=True
    ).stdout

    assert "PostgreSQL database dump complete" in dump
    assert "whatsmeow_device" not in dump
    assert "noise-key" not in dump


def test_a_role_that_may_not_make_it_is_told_what_to_do(store: Store, app_role: str) -> None:
    dsn = address(store.role, "hidden", store.database)

    with pytest.raises(CannotStart, match="set ORSTA_NEONIZE_DSN") as caught:
        devices.prepare(dsn, admin_url=address(app_role, "app"))

    assert "hidden" not in str(caught.value)


def test_the_command_prints_the_sql_without_the_password(settings, capsys) -> None:
    settings.ORSTA_NEONIZE_DSN = "postgres://keeper:hidden@db/kept"

    call_command("prepare_devices")

    assert capsys.readouterr().out.splitlines() == [
        "CREATE ROLE \"keeper\" LOGIN PASSWORD '...';",
        'CREATE DATABASE "kept" OWNER "keeper";',
        'REVOKE ALL ON DATABASE "kept" FROM PUBLIC;',
        'GRANT CONNECT, CREATE ON DATABASE "kept" TO "keeper";',
    ]


def test_the_command_runs_it_as_the_administrator(settings, monkeypatch, store: Store) -> None:
    settings.ORSTA_NEONIZE_DSN = address(store.role, "own", store.database)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ADMIN}\n"))

    call_command("prepare_devices", run=True)

    assert run(settings.ORSTA_NEONIZE_DSN, "SELECT current_user") == [(store.role,)]


def test_the_command_asks_for_an_address(settings) -> None:
    settings.ORSTA_NEONIZE_DSN = ""

    with pytest.raises(CommandError, match="ORSTA_NEONIZE_DSN can't be read"):
        call_command("prepare_devices")
