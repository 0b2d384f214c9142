"""Mail: written down with its cause, sent once, tried again, wiped when sent."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection, transaction
from django.utils import timezone

from accounts import tasks
from accounts.models import Mail, MailStatus
from accounts.services import mail
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
CONTEXT = {"username": "alice", "code": "123456", "url": "https://orsta.example/console/verify"}
pytestmark = pytest.mark.django_db


def write(**changes):
    values = {"template": "verify_email", "to": "alice@example.com", "context": CONTEXT}
    with transaction.atomic():
        return mail.queue(**values | changes, now=NOW)


class DeadServer:
    """A mail backend whose server refuses everything, as the test says how."""

    error: Exception = ConnectionRefusedError("nobody listens")

    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise self.error


@pytest.fixture
def dead_server(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.DeadServer"
    return lambda error: monkeypatch.setattr(DeadServer, "error", error)


def test_a_mail_leaves_once_its_cause_committed(drain_outbox):
    row = write()

    drain_outbox()
    tasks.send_mail(mail_id=row.public_id)

    (sent,) = outbox.outbox
    assert (sent.to, sent.subject) == (["alice@example.com"], "Your Orsta code is 123456")
    assert "123456" in sent.body
    assert CONTEXT["url"] in sent.body
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert "123456" in html
    assert CONTEXT["url"] in html


def test_a_mail_of_a_cause_that_failed_never_leaves():
    with transaction.atomic():
        mail.queue(template="verify_email", to="a@example.com", context=CONTEXT, now=NOW)
        transaction.set_rollback(True)

    assert not Mail.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_anna9_the_code_is_encrypted_while_it_waits_and_in_no_event():
    write()

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_mail")
        (row,) = cursor.fetchall()
    event = OutboxEvent.objects.get(name="mail.queued")
    assert "123456" not in str(row)
    assert "v1:" in str(row)
    assert set(event.payload) == {"mail_id"}


def test_what_it_held_is_wiped_when_it_is_sent():
    row = write()

    mail.send(mail_id=row.public_id, now=NOW)

    row.refresh_from_db()
    assert (row.status, row.context, row.sent_at) == (MailStatus.SENT, "", NOW)


def test_a_mail_is_sent_once_however_often_its_task_runs():
    row = write()

    for _ in range(3):
        mail.send(mail_id=row.public_id, now=NOW)

    assert len(outbox.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_senders_at_once_one_sends(race):
    row = write()

    race(8, lambda: mail.send(mail_id=row.public_id, now=NOW))

    assert len(outbox.outbox) == 1
    assert Mail.objects.get().attempts == 1


def test_a_failed_mail_waits_twice_as_long_each_time(dead_server):
    row = write()
    waits = []

    now = NOW
    for _ in range(4):
        mail.send(mail_id=row.public_id, now=now)
        row.refresh_from_db()
        waits.append(row.due_at - now)
        now = row.due_at

    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert (row.status, row.error) == (MailStatus.QUEUED, "nobody listens")


def test_a_mail_that_waits_is_not_tried_before_its_time(dead_server):
    row = write()
    mail.send(mail_id=row.public_id, now=NOW)

    mail.send(mail_id=row.public_id, now=NOW + timedelta(seconds=59))

    row.refresh_from_db()
    assert row.attempts == 1
    assert mail.due(now=NOW + timedelta(seconds=59)) == []
    assert mail.due(now=NOW + timedelta(seconds=60)) == [row.public_id]


def test_a_mail_is_given_up_after_eight_attempts_and_can_be_resent(dead_server, settings):
    row = write()
    now = NOW
    for _ in range(mail.MAX_ATTEMPTS):
        mail.send(mail_id=row.public_id, now=now)
        row.refresh_from_db()
        now = row.due_at
    assert (row.status, row.attempts) == (MailStatus.FAILED, 8)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    mail.resend(mail=row, now=now)
    mail.send(mail_id=row.public_id, now=now)

    assert len(outbox.outbox) == 1
    with pytest.raises(mail.NotFailed):
        mail.resend(mail=row, now=now)


def test_an_address_that_the_server_refuses_is_given_up_at_once(dead_server):
    dead_server(smtplib.SMTPRecipientsRefused({"alice@example.com": (550, b"no such user")}))
    row = write()

    mail.send(mail_id=row.public_id, now=NOW)

    row.refresh_from_db()
    assert row.status == MailStatus.FAILED
    assert "no such user" in row.error


def test_an_address_that_the_server_will_take_later_is_tried_again(dead_server):
    """Servers that do not know the sender yet say so once: greylisting."""
    dead_server(smtplib.SMTPRecipientsRefused({"alice@example.com": (450, b"come back")}))
    row = write()

    mail.send(mail_id=row.public_id, now=NOW)

    row.refresh_from_db()
    assert row.status == MailStatus.QUEUED
    assert "come back" in row.error


def test_what_a_dead_sender_left_behind_is_sent_by_the_next(monkeypatch):
    row = write()

    def die(message):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMultiAlternatives.send", die)
        with pytest.raises(SystemExit):
            mail.send(mail_id=row.public_id, now=NOW)
    assert mail.due(now=NOW) == []
    later = NOW + timedelta(minutes=1)

    assert mail.due(now=later) == [row.public_id]
    mail.send(mail_id=row.public_id, now=later)

    assert len(outbox.outbox) == 1


def test_a_name_in_a_mail_is_text_and_no_markup():
    row = write(context=CONTEXT | {"username": "<b>&\r\nBcc: eve@example.com"})

    mail.send(mail_id=row.public_id, now=NOW)

    (sent,) = outbox.outbox
    assert "Hello <b>&" in sent.body
    assert "Hello &lt;b&gt;&amp;" in sent.alternatives[0][0]
    assert "\n" not in sent.subject


@pytest.mark.parametrize("template", ["verify_email", "password_reset", "password_changed"])
def test_every_mail_has_subject_text_and_html(template):
    row = write(template=template)

    mail.send(mail_id=row.public_id, now=NOW)

    (sent,) = outbox.outbox
    assert sent.subject
    assert "alice" in sent.body
    assert sent.alternatives[0][0].startswith("<!doctype html>")
    assert "{{" not in sent.body + sent.alternatives[0][0]


def test_old_mails_are_forgotten_and_waiting_ones_are_not():
    sent, waiting = write(), write()
    mail.send(mail_id=sent.public_id, now=NOW)

    mail.forget(now=NOW + mail.KEEP + timedelta(seconds=1))

    assert list(Mail.objects.all()) == [waiting]
