"""What the sandbox keeps of a session before and after its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from sessions_app.engines.base import EngineError
from sessions_app.engines.sandbox import queries

if TYPE_CHECKING:
    from collections.abc import Sequence


def provision(dsn: str, session_id: str) -> None:
    """Make room for a device. Safe to repeat."""
    _execute(dsn, (queries.PROVISION,), session_id)


def purge(dsn: str, session_id: str) -> None:
    """Forget a device and all that it sent and got. Safe to repeat."""
    _execute(dsn, queries.PURGE, session_id)


def trouble(error: psycopg.Error) -> EngineError:
    """Return what the caller learns: asking again helps once the database is back."""
    away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    name = type(error).__name__
    return EngineError(f"The sandbox's database failed ({name}).", retryable=away)


def _execute(dsn: str, statements: Sequence[str], session_id: str) -> None:
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(queries.PREPARE)
            with connection.transaction():
                for statement in statements:
                    connection.execute(statement, (session_id,))
    except psycopg.Error as error:
        raise trouble(error) from error
