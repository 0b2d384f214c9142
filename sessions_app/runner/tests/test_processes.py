"""Two runner processes and 300 sessions: one is killed, and nobody loses anything."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from sessions_app.engines.base import SessionRef
from sessions_app.engines.sandbox.engine import SandboxEngine
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import sending
from sessions_app.messaging.states import MessageStatus
from sessions_app.models import Command, Lease, Runner, Session, SessionTransition
from sessions_app.runner.tests.test_runner import eventually
from sessions_app.states import CommandState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS = 300
OWNED_SECONDS = 45
CONNECTED_SECONDS = 180
DRAIN_SECONDS = 3
# Notes every owner of every lease, whoever writes it.
WITNESS = """
CREATE TABLE witness (session_id bigint, epoch bigint, owner text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.owner <> '' THEN
        INSERT INTO witness VALUES (NEW.session_id, NEW.epoch, NEW.owner);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER witness AFTER UPDATE ON sessions_app_lease
    FOR EACH ROW WHEN (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.epoch <> NEW.epoch)
    EXECUTE FUNCTION witness();
"""
DISMISSAL = """
DROP TRIGGER witness ON sessions_app_lease;
DROP FUNCTION witness;
DROP TABLE witness;
"""


@pytest.fixture
def witness():
    with connection.cursor() as cursor:
        cursor.execute(WITNESS)
    yield
    with connection.cursor() as cursor:
        cursor.execute(DISMISSAL)


@pytest.fixture
def start(other_process):
    """Start runners; what is left of them ends with the test."""
    started = []

    def one(node):
        command = [sys.executable, "manage.py", "run_sessions", "--node", node]
        environment = other_process | {"ORSTA_CONNECTS_PER_SECOND": "100"}
        process = subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            cwd=settings.BASE_DIR,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield one
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)


def linked(count, environment):
    """Make sessions of one tenant, each with a device that is linked."""
    tenant = make_customer(max_sessions=count)
    engine = SandboxEngine(environment["DATABASE_URL"])
    for number in range(count):
        jid = f"1555{number:07}@s.whatsapp.net"
        session = make_session(tenant=tenant, status=SessionStatus.STARTING, jid=jid)
        engine.provision(SessionRef(session.public_id))
        with connection.cursor() as cursor:
            link = "UPDATE sandbox.device SET jid = %s WHERE session_id = %s"
            cursor.execute(link, [jid, session.public_id])


def in_status(status):
    return Session.objects.filter(status=status).count()


def owners():
    """Count living leases by node."""
    held = Lease.objects.filter(expires_at__gt=timezone.now()).exclude(owner="")
    return Counter(owner.partition(":")[0] for owner in held.values_list("owner", flat=True))


def send_to_all():
    drafts = [sending.Draft("+14155550100", "one"), sending.Draft("+14155550100", "two")]
    for session in Session.objects.select_related("tenant"):
        sending.accept_messages(session=session, drafts=drafts, now=timezone.now())


def check_the_log():
    """No epoch had two owners, and what was written follows the epochs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM witness GROUP BY session_id, epoch"
            " HAVING count(DISTINCT owner) > 1) AS shared"
        )
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT count(*) FROM sessions_app_sessiontransition step WHERE epoch > 0"
            " AND NOT EXISTS (SELECT 1 FROM witness WHERE witness.epoch = step.epoch"
            " AND witness.session_id = step.session_id)"
        )
        assert cursor.fetchone() == (0,)
    steps = SessionTransition.objects.filter(epoch__gt=0).order_by("pk")
    latest = Counter()
    for session_id, epoch in steps.values_list("session_id", "epoch"):
        assert epoch >= latest[session_id]
        latest[session_id] = epoch
    # WhatsApp's own fence: a second stream of a device replaces the first.
    assert not SessionTransition.objects.filter(new=SessionStatus.REPLACED).exists()


def test_a_killed_runner_costs_no_session_and_no_message(start, other_process, witness):
    lost, kept = start("one"), start("two")
    eventually(lambda: Runner.objects.count() == 2, seconds=30)
    linked(SESSIONS, other_process)
    eventually(lambda: in_status(SessionStatus.CONNECTED) == SESSIONS, seconds=60)
    shares = owners()
    assert sum(shares.values()) == SESSIONS

    send_to_all()
    os.kill(lost.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    eventually(lambda: owners() == {"two": SESSIONS}, seconds=OWNED_SECONDS)
    eventually(
        lambda: in_status(SessionStatus.CONNECTED) == SESSIONS, seconds=CONNECTED_SECONDS
    )
    assert time.monotonic() - killed_at < CONNECTED_SECONDS

    unfinished = Command.objects.exclude(state=CommandState.DONE)
    eventually(lambda: not unfinished.exists(), seconds=30)
    read = Message.objects.filter(status=MessageStatus.READ)
    eventually(lambda: read.count() == SESSIONS * 2, seconds=30)

    kept.terminate()
    eventually(lambda: not owners(), seconds=DRAIN_SECONDS)
    kept.wait(timeout=10)
    check_the_log()
