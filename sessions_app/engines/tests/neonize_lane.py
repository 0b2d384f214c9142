"""What the tests of the embedded engine share: an engine on the mock WhatsApp, and pairing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from sessions_app.engines import events
from sessions_app.engines.base import Options, SessionRef
from sessions_app.engines.neonize import store
from sessions_app.engines.neonize.engine import NeonizeEngine
from sessions_app.engines.neonize.process import Patience
from sessions_app.engines.tests.live import connected

HOST = (sys.executable, "-m", "sessions_app.engines.tests.mock_whatsapp.patched_host")
OWN_NUMBER, FRIENDS_NUMBER = "15550100001", "15550100123"
HASTY = Patience(
    ping_every=0.2, first_sign=12.0, reconnect=12.0, first_delay=0.05, max_delay=0.2
)


@functools.cache
def devices_dsn():
    """Make the database of the devices, apart from the application's as when deployed."""
    own = urlsplit(os.environ["DATABASE_URL"])
    name = f"{own.path.lstrip('/')}_devices"
    with psycopg.connect(own.geturl(), autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return own._replace(path=f"/{name}").geturl()


def in_devices(query, *values):
    """Look into the database of the devices, or change it."""
    with psycopg.connect(devices_dsn(), autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def make_engine(whatsapp, spool_dir, **options):
    """An engine whose hosts reach the mock server."""
    return NeonizeEngine(
        devices_dsn(),
        spool_dir,
        host_command=HOST,
        extra_env=whatsapp.environment(),
        **({"patience": HASTY} | options),
    )


def forget_devices():
    """Empty the store; the mock WhatsApp starts every test without accounts, too."""
    for table in ("session_device", "whatsmeow_device", "whatsmeow_lid_map"):
        with contextlib.suppress(
            psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName
        ):
            in_devices(f"DELETE FROM {store.SCHEMA}.{table}")  # noqa: S608 (our own names)


def new_ref(**fields):
    return SessionRef(f"ses_{uuid4().hex}", **({"epoch": 1} | fields))


async def scan(whatsapp, number, text):
    """Have the phone with this number link the client that shows the code."""
    await asyncio.to_thread(whatsapp.phone(number).scan, text)


@contextlib.asynccontextmanager
async def paired(whatsapp, engine, ref, number=OWN_NUMBER):
    """An open connection of a session that this phone just linked, and what it emits."""
    async with connected(engine, ref) as (connection, recorder):
        challenge = await recorder.wait_for(events.ChallengeIssued)
        await scan(whatsapp, number, challenge.text)
        await recorder.wait_for(events.Connected)
        yield connection, recorder


@contextlib.asynccontextmanager
async def two_sessions(whatsapp, engine, **friends_options):
    """Two connected sessions: ours and a friend's, each with what it emits."""
    friend = new_ref(options=Options(**friends_options))
    async with (
        paired(whatsapp, engine, new_ref()) as (ours, our_events),
        paired(whatsapp, engine, friend, FRIENDS_NUMBER) as (theirs, their_events),
    ):
        yield ours, our_events, theirs, their_events


def host_of(connection):
    """The process id of the connection's host."""
    return connection._keeper._process.pid


def sent_by(connection):
    """The ids of what the connection sends from now on, as a set that grows."""
    sent, send = set(), connection.send

    async def send_and_note(message):
        result = await send(message)
        sent.add(result.wa_id)
        return result

    connection.send = send_and_note
    return sent
