"""The devices of all sessions, in PostgreSQL: whatsmeow's tables, and whose each device is.

A device's rows are its account: who has them is that account on WhatsApp. They live in a schema
of their own, which the role in the engine's address should alone be able to read.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql

from sessions_app.engines.base import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SCHEMA = "orsta_devices"
_PREPARE_LOCK = 4_107_518_031  # names the advisory lock around the schema; any number does
_CONNECT_SECONDS = 5
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
_SESSION_TABLE = sql.SQL(
    "CREATE TABLE IF NOT EXISTS {} ("
    " session_id text PRIMARY KEY,"
    " jid text NOT NULL UNIQUE,"  # a device is never two sessions'
    " paired_at timestamptz NOT NULL DEFAULT now())"
).format(sql.Identifier(SCHEMA, "session_device"))


# What a new pairing must not find of an earlier one of the same device number: WhatsApp has
# forgotten it, and messages that are read with it are lost. Identity keys stay: the pairing has
# just written its own there.
_STALE = (
    "whatsmeow_sessions",
    "whatsmeow_sender_keys",
    "whatsmeow_event_buffer",
    "whatsmeow_retry_buffer",
)


def address_for_whatsmeow(dsn: str) -> str:
    """Return the address as whatsmeow's driver (lib/pq) takes it.

    :raises ValueError: it is not a URL that begins with "postgres".
    """
    parts = urlsplit(dsn)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("The device store's address must be a URL that begins with postgres.")
    options = dict(parse_qsl(parts.query))
    if (parts.hostname or "") in _LOCAL_HOSTS:
        options.setdefault("sslmode", "disable")  # lib/pq requires TLS unless told otherwise
    options["search_path"] = SCHEMA
    options["binary_parameters"] = "yes"  # works through PgBouncer's transaction mode
    return urlunsplit(parts._replace(query=urlencode(options)))


def check(dsn: str) -> None:
    """Make sure that the store answers.

    :raises EngineError: it does not.
    """
    with _connection(dsn) as connection:
        connection.execute("SELECT 1")


def prepare(dsn: str, migrate: Callable[[], None]) -> None:
    """Create what is missing, one process at a time; safe to repeat.

    whatsmeow's own migration can't run twice at once.

    :param migrate: runs it, in another process.
    :raises EngineError: the store does not answer, or the migration failed.
    """
    with _connection(dsn) as connection:
        with connection.transaction():  # the migration has to see what this makes
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_PREPARE_LOCK])
            # Not IF NOT EXISTS: it asks for a right that the role needs only once.
            if not _exists(connection, "SELECT FROM pg_namespace WHERE nspname = %s", SCHEMA):
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
            connection.execute(_SESSION_TABLE)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_PREPARE_LOCK])
            migrate()
        if not _exists(connection, "SELECT WHERE to_regclass(%s) IS NOT NULL", _DEVICES):
            raise EngineError("The device store could not be prepared.", retryable=True)


def device_of(dsn: str, session_id: str) -> str:
    """Return the JID, device part included, of the session's device; "" when it has none."""
    query = (
        "SELECT d.jid FROM {schema}.session_device s"
        " JOIN {schema}.whatsmeow_device d ON d.jid = s.jid WHERE s.session_id = %s"
    )
    with _connection(dsn) as connection:
        row = connection.execute(_in_schema(query), [session_id]).fetchone()
    return row[0] if row else ""


def remember(dsn: str, session_id: str, jid: str) -> None:
    """Note whose device this is. The device that the session had before is forgotten."""
    with _connection(dsn) as connection, connection.transaction():
        known = _in_schema("DELETE FROM {schema}.session_device WHERE jid = %s")
        if connection.execute(known, [jid]).rowcount:  # WhatsApp gave its number to a new one
            for table in _STALE:
                connection.execute(_delete_from(table, "our_jid"), [[jid]])
        _forget(connection, session_id)
        connection.execute(
            _in_schema("INSERT INTO {schema}.session_device (session_id, jid) VALUES (%s, %s)"),
            [session_id, jid],
        )


def forget(dsn: str, session_id: str) -> None:
    """Delete the session's device with all its keys; safe to repeat.

    Keys that stay behind would break the next pairing of the same account.
    """
    with _connection(dsn) as connection:
        try:
            with connection.transaction():
                _forget(connection, session_id)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return  # nobody ever paired anything here


def lids_of(dsn: str, phones: Iterable[str]) -> dict[str, str]:
    """Return the LIDs that the store knows, without their server, by phone number."""
    query = "SELECT pn, lid FROM {schema}.whatsmeow_lid_map WHERE pn = ANY(%s)"
    with _connection(dsn) as connection:
        return dict(connection.execute(_in_schema(query), [list(phones)]).fetchall())


def phones_of(dsn: str, lids: Iterable[str]) -> dict[str, str]:
    """Return the phone numbers that the store knows, by LID without its server."""
    query = "SELECT lid, pn FROM {schema}.whatsmeow_lid_map WHERE lid = ANY(%s)"
    with _connection(dsn) as connection:
        return dict(connection.execute(_in_schema(query), [list(lids)]).fetchall())


_DEVICES = f"{SCHEMA}.whatsmeow_device"


def _forget(connection: psycopg.Connection, session_id: str) -> None:
    query = "DELETE FROM {schema}.session_device WHERE session_id = %s RETURNING jid"
    rows = connection.execute(_in_schema(query), [session_id]).fetchall()
    gone = [jid for (jid,) in rows]
    connection.execute(_delete_from("whatsmeow_device", "jid"), [gone])  # and what hangs on it
    connection.execute(_delete_from("whatsmeow_privacy_tokens", "our_jid"), [gone])


def _delete_from(table: str, column: str) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
        sql.Identifier(SCHEMA, table), sql.Identifier(column)
    )


def _in_schema(query: str) -> sql.Composed:
    return sql.SQL(query).format(schema=sql.Identifier(SCHEMA))


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


@contextmanager
def _connection(dsn: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(
            dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS, prepare_threshold=None
        ) as connection:
            yield connection
    except psycopg.Error as error:
        # Its text may quote the address; the class says enough.
        name = type(error).__name__
        raise EngineError(f"The device store failed ({name}).", retryable=True) from None
