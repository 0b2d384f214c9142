"""What goes wrong on WhatsApp's side leads to the right status, reason and next step."""

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.runner.tests.neonize.rig import BEN, EVE, TUNED, host_of, linked, reaches
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.states import SessionStatus as S

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]
LINKED = [S.STARTING, S.PAIRING, S.STARTING, S.CONNECTED]
QUIET_SECONDS = 1.5  # in which a session that fights for its place would be back


def test_a_removed_device_is_asked_twice_and_logged_out(ann):
    with linked(ann):
        assert ann.steps() == LINKED
        ann.phone.remove_device()
        ann.becomes(S.LOGGED_OUT)
        eventually(ann.is_let_go)

    assert (ann.session.reason_code, ann.session.jid) == ("logged_out", "")
    assert ann.steps() == [*LINKED, S.LOGGED_OUT]


def test_a_replaced_device_never_fights_for_its_place(ann):
    with linked(ann):
        ann.phone.replace()
        ann.becomes(S.REPLACED)
        eventually(ann.is_let_go)
        time.sleep(QUIET_SECONDS)

        assert ann.phone.online_devices == []

    assert ann.session.reason_code == "replaced"
    assert ann.steps() == [*LINKED, S.REPLACED]


def test_a_ban_ends_and_the_session_comes_back(ann):
    with linked(ann):
        ann.phone.ban(code=104, seconds=4)
        banned_at = timezone.now()
        ann.becomes(S.BANNED)
        reason, code, ends_at = (
            ann.session.reason,
            ann.session.reason_code,
            ann.session.retry_at,
        )
        eventually(lambda: not ann.phone.online_devices)
        ann.becomes(S.CONNECTED)
        assert ann.steps() == [*LINKED, S.BANNED, S.STARTING, S.CONNECTED]

    assert code == "temporary_ban"
    assert "the same message to too many people" in reason
    assert timedelta(seconds=3) < ends_at - banned_at < timedelta(seconds=6)
    assert ann.session.status_changed_at >= ends_at


@pytest.mark.parametrize(
    ("code", "status", "reason_code"),
    [
        (403, S.LOGGED_OUT, "main_device_gone"),
        (405, S.FAULTED, "client_outdated"),
        (406, S.BANNED, "banned"),
    ],
)
def test_a_refused_login_needs_a_person(ann, code, status, reason_code):
    with linked(ann):
        ann.phone.fail(code, times=9)
        ann.phone.drop()
        ann.becomes(status)
        eventually(ann.is_let_go)

    assert (ann.session.reason_code, ann.session.retry_at) == (reason_code, None)
    assert ann.steps() == [*LINKED, status]


@pytest.mark.parametrize("trouble", ["drop", "restart_stream", "busy"])
def test_a_stream_that_is_soon_back_was_never_away(ann, whatsapp, trouble):
    ben = whatsapp.phone(BEN)

    with linked(ann):
        logins = ann.phone.logins
        if trouble == "busy":
            ann.phone.fail(503)
        (ann.phone.restart_stream if trouble == "restart_stream" else ann.phone.drop)()
        sent = ann.send(to=f"+{BEN}", text="Meanwhile")
        eventually(lambda: ann.phone.logins > logins)
        reaches(sent, "DELIVERED")

        assert ann.steps() == LINKED

    assert ben.wait_message().text == "Meanwhile"


def test_a_stream_that_stays_away_is_told(ann):
    with linked(ann, tuned=replace(TUNED, flap=0.5)):
        ann.phone.fail(503)
        ann.phone.drop()
        ann.becomes(S.DISCONNECTED)
        ann.becomes(S.CONNECTED)

        assert ann.steps() == [*LINKED, S.DISCONNECTED, S.CONNECTED]


def test_a_stream_that_stands_and_says_nothing_is_opened_anew(ann):
    tuned = replace(TUNED, silence=1.0, probe=1.0)
    with linked(ann, tuned=tuned) as runner:
        stuck = host_of(runner, ann)
        os.kill(stuck, signal.SIGSTOP)
        ann.becomes(S.DEGRADED)
        code = ann.session.reason_code
        ann.becomes(S.CONNECTED)

        assert host_of(runner, ann) != stuck

    assert code == "not_answering"
    assert ann.steps()[: len(LINKED) + 1] == [*LINKED, S.DEGRADED]
    assert S.PAIRING not in ann.steps()[len(LINKED) :]


def test_an_account_that_may_not_write_to_strangers_is_restricted(ann, whatsapp):
    ben, _stranger = whatsapp.phone(BEN), whatsapp.phone(EVE)

    with linked(ann):
        ben.send_text(ann.phone.jid, "Are you open?")
        question = ann.wait_received("Are you open?")
        ann.phone.refuse_sends()
        sent = ann.send(to=f"+{EVE}", text="Hello")
        ann.becomes(S.RESTRICTED)
        reaches(sent, "FAILED")
        ann.phone.accept_sends()
        reaches(ann.send(reply_to=question.public_id, text="Yes"), "DELIVERED")

    assert ann.session.reason_code == "new_chats_refused"
    assert ann.session.retry_at > timezone.now()


def test_an_account_with_a_passkey_learns_what_this_engine_lacks(ann):
    ann.phone.require_passkey()

    with running(tuned=TUNED):
        ann.phone.scan(ann.wait_for_code())
        ann.becomes(S.FAULTED)
        eventually(ann.is_let_go)

    assert ann.session.reason_code == "passkey_unsupported"
    assert "passkey" in ann.session.reason
    assert ann.phone.linked_devices == []
