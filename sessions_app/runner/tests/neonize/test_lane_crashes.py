"""Hosts and runners are killed: nothing that was accepted or acknowledged is lost."""

import os
import signal
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from sessions_app.engines.tests.neonize_lane import in_devices
from sessions_app.messaging.models import Message
from sessions_app.models import Command, Lease
from sessions_app.runner.tests.neonize.rig import BEN, SECONDS, TUNED, host_of
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.states import SessionStatus as S

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("victim", ["host", "runner"], indirect=True),
]
TEXTS = [f"text {number}" for number in range(30)]


class HostVictim:
    """A host under a runner that lives."""

    def __init__(self, start_process, runners):
        self._runner = runners.enter_context(running(tuned=TUNED))

    def kill(self, shop):
        os.kill(host_of(self._runner, shop), signal.SIGKILL)

    def recover(self):
        """The runner sees to that."""


class RunnerVictim:
    """A runner with its hosts; another one takes over."""

    def __init__(self, start_process, runners):
        self._process = start_process()
        self._runners = runners

    def kill(self, _shop):
        self._process.kill()

    def recover(self):
        self._process.give_leases_up()
        self._runners.enter_context(running("runner-2", TUNED))


@pytest.fixture
def victim(request, start_process):
    """What gets killed."""
    with ExitStack() as runners:
        kind = {"host": HostVictim, "runner": RunnerVictim}[request.param]
        yield kind(start_process, runners)


def has_device(session):
    """Whether the store knows whose device was just linked."""
    query = "SELECT 1 FROM orsta_devices.session_device WHERE session_id = %s"
    return in_devices(query, session.public_id) == [(1,)]


@contextmanager
def nothing_is_written(session):
    """Keep every runner from writing anything about the session meanwhile."""
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Lease.objects.select_for_update().get(pk=session.pk)
            held.set()
            done.wait(SECONDS)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(SECONDS)
    try:
        yield
    finally:
        done.set()
        holder.join()


def finished(session):
    """Return how many commands ended how, once each has ended."""
    commands = Command.objects.filter(session=session, kind="SEND")
    eventually(
        lambda: not commands.filter(state__in=["QUEUED", "RUNNING"]).exists(), seconds=SECONDS
    )
    return Counter(commands.values_list("state", flat=True))


def test_killed_before_the_scan_it_shows_a_new_code(ann, victim):
    before = ann.wait_for_code()
    victim.kill(ann)
    victim.recover()
    after = ann.wait_for_code(other_than=before)
    ann.phone.scan(after)
    ann.becomes(S.CONNECTED)

    assert ann.session.jid == ann.phone.jid


def test_killed_right_after_the_scan_it_needs_no_new_code(ann, victim):
    ann.phone.scan(ann.wait_for_code())
    eventually(lambda: has_device(ann.session))
    victim.kill(ann)
    victim.recover()
    ann.becomes(S.CONNECTED)

    assert ann.steps().count(S.PAIRING) == 1
    assert len(ann.phone.linked_devices) == 1


def test_killed_in_the_middle_of_sending_it_sends_nothing_twice(ann, whatsapp, victim):
    ben = whatsapp.phone(BEN)
    ann.link()
    ann.post("messages", messages=[{"to": f"+{BEN}", "text": text} for text in TEXTS])
    seen = [ben.wait_message().text for _ in range(5)]
    victim.kill(ann)
    victim.recover()
    ended = finished(ann.session)
    done = Message.objects.filter(session=ann.session, status__in=["SENT", "DELIVERED"])
    eventually(lambda: done.count() >= ended["DONE"])
    seen += [ben.wait_message().text for _ in range(ended["DONE"] - len(seen))]
    seen += [heard.text for heard in ben.messages]

    assert ended["DONE"] + ended["UNKNOWN"] == len(TEXTS)
    assert ended["UNKNOWN"] <= 1  # one is in flight at a time
    assert max(Counter(seen).values()) == 1
    assert set(done.values_list("text", flat=True)) <= set(seen) <= set(TEXTS)


def on_disk(engine, session, wa_ids):
    """Whether the host keeps these messages: from then on none of them may be lost.

    WhatsApp's client acknowledges a message before it tells its host of it, so the one that
    is on its way between the two at a crash is nobody's.
    """
    files = (Path(engine["spool_dir"]) / session.public_id).glob("*.spool")
    kept = b"".join(one.read_bytes() for one in files)
    return all(wa_id.encode() in kept for wa_id in wa_ids)


def test_killed_with_unwritten_messages_it_loses_none_and_doubles_none(
    ann, whatsapp, victim, engine
):
    ben = whatsapp.phone(BEN)
    ann.link()
    with nothing_is_written(ann.session):
        sent = [ben.send_text(ann.phone.jid, text) for text in TEXTS]
        eventually(lambda: on_disk(engine, ann.session, sent))
        assert ann.received() == []
        victim.kill(ann)
    victim.recover()
    ben.send_text(ann.phone.jid, "the last")

    ann.wait_received(*TEXTS, "the last")
