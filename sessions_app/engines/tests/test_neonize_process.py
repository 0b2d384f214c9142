"""The host as a process: what it is told, what it tells, and when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sessions_app.engines import events
from sessions_app.engines.neonize import store
from sessions_app.engines.neonize.process import HostCommand
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.neonize_lane import host_of

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]

WAIT_SECONDS = 30
# A runner that holds one session until it is killed.
RUNNER = """
import asyncio, sys
from sessions_app.engines.base import SessionRef
from sessions_app.engines.neonize.engine import NeonizeEngine

class Sink:
    async def __call__(self, event): print(connection._keeper._process.pid, flush=True)
    async def kept(self): pass

async def main():
    global connection
    engine = NeonizeEngine(sys.argv[1], sys.argv[2], host_command=sys.argv[3:])
    engine._command.environment.update({name: __import__("os").environ[name] for name in (
        "ORSTA_MOCK_WHATSAPP_PORT", "ORSTA_MOCK_WHATSAPP_ROOT")})
    connection = await engine.connect(SessionRef("ses_runner"), Sink())
    await asyncio.sleep(60)

asyncio.run(main())
"""


def is_alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(satisfied):
    deadline = time.monotonic() + WAIT_SECONDS
    while not satisfied():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_host_dies_with_its_runner(whatsapp, tmp_path):
    neonize_lane.forget_devices()
    runner = subprocess.Popen(  # noqa: S603 (our own program)
        [
            sys.executable,
            "-c",
            RUNNER,
            neonize_lane.devices_dsn(),
            str(tmp_path),
            *neonize_lane.HOST,
        ],
        env=os.environ | whatsapp.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with runner:
        host = int(runner.stdout.readline())
        assert is_alive(host)
        runner.send_signal(signal.SIGKILL)

    wait_until(lambda: not is_alive(host))


@live
async def test_a_host_is_told_its_secrets_in_private(neonize_engine, monkeypatch):
    monkeypatch.setenv("ORSTA_SECRET_KEY", "s3cret")
    async with connected(neonize_engine, neonize_lane.new_ref()) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        process = Path(f"/proc/{host_of(connection)}")
        visible = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()

    assert b"postgres" not in visible
    assert b"s3cret" not in visible
    assert b"NEONIZE_BOT_TAG=off" in visible


def test_a_host_refuses_to_look_like_a_bot():
    host = [sys.executable, "-m", "sessions_app.engines.neonize.host", "--prepare"]
    environment = {**HostCommand().full_environment(), "NEONIZE_BOT_TAG": ""}

    ended = subprocess.run(host, env=environment, capture_output=True, check=False)  # noqa: S603

    assert ended.returncode == 64


def test_the_runners_side_never_loads_neonize():
    code = (
        "import sys; from sessions_app.engines.neonize.engine import NeonizeEngine;"
        "sys.exit('neonize' in sys.modules or 'django' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


@live
async def test_a_purged_device_leaves_nothing_behind(neonize_engine, whatsapp):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref):
        pass
    assert store.device_of(neonize_lane.devices_dsn(), ref.session_id)

    neonize_engine.purge(ref)

    columns = neonize_lane.in_devices(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND column_name IN ('jid', 'our_jid')",
        store.SCHEMA,
    )
    for table, _ in columns:
        assert neonize_lane.in_devices(f"SELECT count(*) FROM {store.SCHEMA}.{table}") == [(0,)]  # noqa: S608
    assert len(columns) > 10


def test_the_store_is_reached_as_whatsmeow_needs_it():
    address = store.address_for_whatsmeow("postgres://u:p@db.example/x?sslmode=require")

    assert address == (
        "postgres://u:p@db.example/x"
        "?sslmode=require&search_path=orsta_devices&binary_parameters=yes"
    )
