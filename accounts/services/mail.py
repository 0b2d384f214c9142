"""Write mails down, and hand them to the mail server.

A row is due at a time. Whoever sends it first moves that time on, so a mail that fails, or
whose sender dies, is tried again later and by one sender at a time.
"""

import json
import logging
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string

from accounts.models import Mail, MailStatus, Tenant
from orsta.core import errors
from orsta.core.outbox.services import emit

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
KEEP = timedelta(days=30)  # of a mail that was sent or given up
_FIRST_RETRY = timedelta(minutes=1)  # twice as long after each failure: four hours in all
_ERROR_LENGTH = 300  # of the column
_PERMANENT = 500  # and above: trying again is of no use (RFC 5321, section 4.2.1)


class NotFailed(errors.Conflict):
    """The mail was sent, or is still being tried."""

    code = "mail_not_failed"


def queue(
    *,
    template: str,
    to: str,
    context: Mapping[str, Any],
    now: datetime,
    tenant: Tenant | None = None,
) -> Mail:
    """Write a mail down, in the caller's transaction; it leaves once that committed.

    :param template: the files' name in `templates/emails`, without suffix.
    :param context: plain JSON values for the templates. Encrypted, and wiped when sent.
    """
    mail = Mail.objects.create(
        tenant=tenant,
        to=to,
        template=template,
        context=json.dumps(dict(context)),
        created_at=now,
        due_at=now,
    )
    _announce(mail)
    return mail


def link(path: str, *, token: str = "") -> str:
    """Return the address of a page of the console, for a mail.

    :param token: a secret that the page hands over in a form. It follows the `#`, which
        browsers send to no server, so that no log has it.
    """
    fragment = f"#{token}" if token else ""
    return f"{settings.ORSTA_PUBLIC_URL.rstrip('/')}/{path}{fragment}"


def send(*, mail_id: str, now: datetime) -> None:
    """Try to send a mail that is due; any other is left alone. Safe to run twice, also at once.

    :param mail_id: the public id.
    """
    mail = _claim(mail_id, now=now)
    if mail is None:
        return
    try:
        _message(mail).send()
    except (OSError, smtplib.SMTPException) as error:
        _fail(mail, error)
    else:
        sent = Mail.objects.filter(pk=mail.pk)
        sent.update(status=MailStatus.SENT, sent_at=now, context="", error="")


def due(*, now: datetime) -> list[str]:
    """Return the mails that wait for a sender, by public id, a thousand at most."""
    waiting = Mail.objects.filter(status=MailStatus.QUEUED, due_at__lte=now)
    return list(waiting.order_by("due_at").values_list("public_id", flat=True)[:1_000])


@transaction.atomic
def resend(*, mail: Mail, now: datetime) -> None:
    """Give a mail that was given up a fresh set of attempts.

    :raises NotFailed: it was not given up, or somebody did this already.
    """
    failed = Mail.objects.filter(pk=mail.pk, status=MailStatus.FAILED)
    if failed.update(status=MailStatus.QUEUED, attempts=0, due_at=now, error="") != 1:
        raise NotFailed("This mail was sent, or is still being tried.")
    _announce(mail)


def forget(*, now: datetime) -> None:
    """Delete mails that were sent or given up long ago."""
    ended = Mail.objects.exclude(status=MailStatus.QUEUED)
    ended.filter(created_at__lt=now - KEEP).delete()


def _announce(mail: Mail) -> None:
    # Not an event of the tenant: it would reach its sockets, and mails need no order.
    emit(
        "mail.queued",
        tenant_id=None,
        shard=f"mail:{mail.public_id}",
        mail_id=mail.public_id,
    )


def _claim(mail_id: str, *, now: datetime) -> Mail | None:
    """Move the next attempt on; None if the mail is not due, or another sender was first."""
    mail = Mail.objects.filter(
        public_id=mail_id, status=MailStatus.QUEUED, due_at__lte=now
    ).first()
    if mail is None:
        return None
    next_at = now + _FIRST_RETRY * 2**mail.attempts
    moved = _mine(mail).update(attempts=F("attempts") + 1, due_at=next_at)
    mail.attempts += 1
    return mail if moved == 1 else None


def _mine(mail: Mail) -> "QuerySet[Mail]":
    """Return the row as long as nobody took the next attempt."""
    return Mail.objects.filter(pk=mail.pk, status=MailStatus.QUEUED, attempts=mail.attempts)


def _message(mail: Mail) -> EmailMultiAlternatives:
    path, context = f"emails/{mail.template}", json.loads(mail.context)
    subject = render_to_string(f"{path}.subject.txt", context)
    text = render_to_string(f"{path}.txt", context)
    message = EmailMultiAlternatives(" ".join(subject.split()), text, to=[mail.to])
    message.attach_alternative(render_to_string(f"{path}.html", context), "text/html")
    return message


def _fail(mail: Mail, error: Exception) -> None:
    """Note why; give up after the last attempt, and at once if nobody has the address."""
    over = mail.attempts >= MAX_ATTEMPTS or _is_permanent(error)
    status = MailStatus.FAILED if over else MailStatus.QUEUED
    _mine(mail).update(status=status, error=str(error)[:_ERROR_LENGTH])
    logger.warning(
        "Mail not sent",
        extra={"mail": mail.public_id, "attempt": mail.attempts, "given_up": over},
    )


def _is_permanent(error: Exception) -> bool:
    """Say whether the server knows no such address; "come back later" is a refusal too."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(code >= _PERMANENT for code, _ in error.recipients.values())
