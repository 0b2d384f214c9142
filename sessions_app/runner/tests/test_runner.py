"""The runner with the sandbox engine on the real database: pairing to takeover."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest
from django.utils import timezone

from sessions_app.contacts.models import ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import sending
from sessions_app.messaging.states import MessageStatus
from sessions_app.models import Lease, PairingChallenge, Session
from sessions_app.runner import tuning
from sessions_app.runner.supervisor import Supervisor
from sessions_app.services import lifecycle, provisioning, simulation
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer

pytestmark = pytest.mark.django_db(transaction=True)


class RunnerThread:
    """A supervisor on an event loop of its own, as the management command runs it."""

    def __init__(self, node, tuned=None):
        self.node = node
        self._tuned = tuned or tuning.from_settings()
        self._loop = asyncio.new_event_loop()
        self.supervisor = None
        self._thread = threading.Thread(target=self._main)
        self._thread.start()

    def _main(self):
        asyncio.set_event_loop(self._loop)
        self.supervisor = Supervisor(
            node=self.node, capacity=100, version="test", tuning=self._tuned
        )
        try:
            self._loop.run_until_complete(self.supervisor.run())
        finally:
            self._loop.close()

    def stop(self):
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.supervisor.stop)
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


@contextmanager
def running(node="runner-1", tuned=None):
    runner = RunnerThread(node, tuned)
    try:
        yield runner
    finally:
        runner.stop()


def eventually(condition, *, seconds=20):
    """Wait until `condition` holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def status_of(session):
    return Session.objects.values_list("status", flat=True).get(pk=session.pk)


def becomes(session, status):
    eventually(lambda: status_of(session) == status)
    session.refresh_from_db()


def prepared(tenant=None):
    session = provisioning.create_session(
        tenant=tenant or make_customer(), now=timezone.now(), name="shop"
    )
    provisioning.provision(session_id=session.pk, now=timezone.now())
    session.refresh_from_db()
    return session


def connect(session):
    becomes(session, SessionStatus.PAIRING)
    simulation.scan(session=session, now=timezone.now(), contacts=30)
    becomes(session, SessionStatus.CONNECTED)


def test_a_scan_connects_the_session():
    session = prepared()

    with running():
        becomes(session, SessionStatus.PAIRING)
        assert PairingChallenge.objects.get(session=session).text.startswith("https://wa.me/")
        simulation.scan(session=session, now=timezone.now())
        becomes(session, SessionStatus.CONNECTED)

    assert session.jid.endswith("@s.whatsapp.net")
    assert not PairingChallenge.objects.filter(session=session).exists()


def test_codes_rotate_until_nobody_came():
    session = prepared()

    with running():
        becomes(session, SessionStatus.PAIRING_EXPIRED)

    assert Lease.objects.get(pk=session.pk).owner == ""
    assert session.desired == "STOPPED"


def test_a_message_goes_out_and_is_read():
    session = prepared()

    with running():
        connect(session)
        (message,) = sending.accept_messages(
            session=session,
            drafts=[sending.Draft("+14155550100", "hello")],
            now=timezone.now(),
        )
        eventually(lambda: Message.objects.get(pk=message.pk).status == MessageStatus.READ)

    message.refresh_from_db()
    assert message.sent_at <= message.delivered_at <= message.read_at


def test_messages_come_in_once():
    session = prepared()

    with running():
        connect(session)
        simulation.inbound(
            session=session, now=timezone.now(), sender="+14155550123", text="hi", count=50
        )
        eventually(lambda: Message.objects.filter(session=session).count() == 50)

    assert Message.objects.filter(session=session, status="RECEIVED").count() == 50


def test_contacts_arrive_in_pages():
    session = prepared()

    with running():
        connect(session)
        sync = syncing.request_sync(session=session, now=timezone.now())
        eventually(lambda: ContactSync.objects.get(pk=sync.pk).state == SyncState.WRITING)

    syncing.write_pages(sync_id=sync.public_id, now=timezone.now())
    sync.refresh_from_db()
    assert (sync.state, sync.written) == (SyncState.DONE, 30)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("replaced", SessionStatus.REPLACED),
        ("logged_out", SessionStatus.LOGGED_OUT),
        ("temp_ban", SessionStatus.BANNED),
    ],
)
def test_trouble_leads_to_the_right_state(kind, status):
    session = prepared()

    with running():
        connect(session)
        simulation.fault(session=session, now=timezone.now(), kind=kind)
        becomes(session, status)
        eventually(lambda: Lease.objects.get(pk=session.pk).owner == "")

    assert session.reason


def test_a_start_right_after_the_phone_logged_out_shows_a_new_code():
    session = prepared()

    with running():
        connect(session)
        simulation.fault(session=session, now=timezone.now(), kind="logged_out")
        becomes(session, SessionStatus.LOGGED_OUT)
        lifecycle.start(session=session, now=timezone.now())
        becomes(session, SessionStatus.PAIRING)
        connect(session)


def test_a_drop_heals_by_itself():
    session = prepared()

    with running():
        connect(session)
        simulation.fault(session=session, now=timezone.now(), kind="drop")
        eventually(lambda: session.transitions.filter(new=SessionStatus.DISCONNECTED).exists())
        becomes(session, SessionStatus.CONNECTED)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("send_failed", MessageStatus.FAILED), ("send_unknown", MessageStatus.UNKNOWN)],
)
def test_a_send_that_went_wrong_says_so(kind, status):
    session = prepared()

    with running():
        connect(session)
        act = simulation.fault(session=session, now=timezone.now(), kind=kind)
        eventually(lambda: type(act).objects.get(pk=act.pk).state == "DONE")
        (message,) = sending.accept_messages(
            session=session,
            drafts=[sending.Draft("+14155550100", "hello")],
            now=timezone.now(),
        )
        eventually(lambda: Message.objects.get(pk=message.pk).status != MessageStatus.QUEUED)
        found = Message.objects.get(pk=message.pk)

    assert found.status in {status, MessageStatus.DELIVERED, MessageStatus.READ}
    assert status != MessageStatus.FAILED or found.status == status


def test_a_stop_and_a_start_need_no_new_scan():
    session = prepared()

    with running():
        connect(session)
        lifecycle.stop(session=session, now=timezone.now())
        becomes(session, SessionStatus.STOPPED)
        lifecycle.start(session=session, now=timezone.now())
        becomes(session, SessionStatus.CONNECTED)

    assert session.transitions.filter(new=SessionStatus.PAIRING).count() == 1


def test_a_reconnect_needs_no_new_scan():
    session = prepared()

    with running():
        connect(session)
        lifecycle.reconnect(session=session, now=timezone.now())
        eventually(lambda: session.transitions.filter(reason="reconnect requested").exists())
        becomes(session, SessionStatus.CONNECTED)

    assert session.transitions.filter(new=SessionStatus.PAIRING).count() == 1


def test_a_deleted_session_is_forgotten_by_its_engine():
    session = prepared()

    with running():
        connect(session)
        provisioning.delete_session(session=session, now=timezone.now())
        becomes(session, SessionStatus.DELETED)

    assert Lease.objects.get(pk=session.pk).owner == ""


def test_two_tenants_pair_two_devices():
    one, two = prepared(), prepared()

    with running():
        connect(one)
        connect(two)

    assert one.jid != two.jid
