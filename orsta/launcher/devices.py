"""The devices of the engine neonize: a database of its own, with a role of its own.

Who reads a device is that account on WhatsApp, so neither Orsta's own role nor a dump of its
database may hold them.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from orsta.launcher.errors import CannotStart

NAME = "orsta_devices"  # of the role and of the database
# Of an address: where the server is. The others, such as a pool, are Django's own.
_OPTIONS = ("host", "sslmode", "sslrootcert")


@dataclass(frozen=True)
class Store:
    """What an address of devices (`ORSTA_NEONIZE_DSN`) says."""

    role: str
    database: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, dsn: str) -> "Store":
        """Read an address.

        :raises ValueError: it is no URL of PostgreSQL with a user and a database.
        """
        parts = urlsplit(dsn)
        database = parts.path.lstrip("/")
        if parts.scheme not in ("postgres", "postgresql") or not parts.username or not database:
            raise ValueError("It must be postgres://role:password@host:5432/database.")
        return cls(unquote(parts.username), unquote(database), unquote(parts.password or ""))


def beside(database_url: str, *, password: str) -> str:
    """Return the address of the devices on the server of Orsta's own database."""
    parts = urlsplit(database_url)
    _, _, place = parts.netloc.rpartition("@")
    known = {key: value for key, value in parse_qsl(parts.query) if key in _OPTIONS}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in known.items())
    login = f"{NAME}:{quote(password, safe='')}@{place}"
    return urlunsplit(parts._replace(netloc=login, path=f"/{NAME}", query=query))


def statements(store: Store, *, role_exists: bool, database_exists: bool) -> list[sql.Composed]:
    """Return what an administrator of the server has to run, each alone; it may be repeated.

    The right to connect that PostgreSQL gives to everybody is taken back.
    """
    role, database = sql.Identifier(store.role), sql.Identifier(store.database)
    verb = sql.SQL("ALTER" if role_exists else "CREATE")
    found = [
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(store.password))
    ]
    if not database_exists:
        found.append(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        found.append(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    found.append(sql.SQL("GRANT CONNECT, CREATE ON DATABASE {} TO {}").format(database, role))
    return found


def ensure(store: Store, *, admin_url: str) -> None:
    """Make the role and the database where they are missing; give the role its password.

    :raises psycopg.Error: the server does not answer, or its administrator may not do that.
    """
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as connection:
        known = [
            connection.execute(query, [name]).fetchone() is not None
            for query, name in (
                ("SELECT FROM pg_roles WHERE rolname = %s", store.role),
                ("SELECT FROM pg_database WHERE datname = %s", store.database),
            )
        ]
        for statement in statements(store, role_exists=known[0], database_exists=known[1]):
            connection.execute(statement)


def prepare(dsn: str, *, admin_url: str) -> None:
    """Make the store of this address.

    :raises CannotStart: when the administrator's role may not make roles and databases.
    """
    try:
        ensure(Store.of(dsn), admin_url=admin_url)
    except psycopg.Error as error:
        raise CannotStart(
            f"The database for the devices could not be made ({type(error).__name__}): let an "
            f"administrator of the server make the role {NAME} and a database of that name "
            "which it owns, and set ORSTA_NEONIZE_DSN to its address."
        ) from None  # libpq's words may quote the statement, which holds the password
