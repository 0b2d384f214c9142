"""People are told by mail when the ways into their account change."""

import json
from datetime import timedelta

import pyotp
import pytest
from django.core import mail as outbox
from django.utils import timezone

from accounts.models import Mail, Passkey, RecoveryCode
from accounts.services import mail, notices, passkeys, second_factors, totp
from accounts.services.notices import FactorChange
from accounts.tests.authenticator import ORIGIN, Authenticator
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.totp_apps import enroll

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("domain")]
NOW = timezone.now()


@pytest.fixture
def alice():
    """Somebody whose authenticator app is on; the mail about it is out of the way."""
    user = make_user()
    enroll(user, now=NOW - timedelta(minutes=5))
    Mail.objects.all().delete()
    return user


def told(user):
    """Return the changes that were mailed to a person, with the passkey each is about."""
    rows = Mail.objects.filter(to=user.email, template="factor_changed").order_by("pk")
    contexts = [json.loads(row.context) for row in rows]
    return [(context["change"], context["passkey"]) for context in contexts]


def add_passkey(user):
    options = passkeys.begin_registration(user=user, now=NOW)
    answer = Authenticator().create(options)
    return passkeys.register(user=user, name="Phone", answer=answer, now=NOW)


def test_an_app_that_is_turned_on_is_told_once():
    bob = make_user()
    secret = totp.begin(user=bob, now=NOW).secret
    assert told(bob) == []

    totp.confirm(user=bob, code=pyotp.TOTP(secret).at(NOW), now=NOW)

    assert told(bob) == [(FactorChange.TOTP_ADDED, "")]
    assert secret not in Mail.objects.get().context


def test_an_app_that_is_removed_is_told(alice):
    second_factors.turn_off(user=alice, password=PASSWORD, now=NOW)

    assert told(alice) == [(FactorChange.TOTP_REMOVED, "")]


def test_an_app_that_staff_removes_is_told_as_such(alice):
    totp.remove(user=alice, now=NOW, actor=make_user().public_id)

    assert told(alice) == [(FactorChange.TOTP_REMOVED_BY_STAFF, "")]


def test_an_app_that_never_counted_is_no_news_when_it_goes():
    bob = make_user()
    totp.begin(user=bob, now=NOW)

    totp.remove(user=bob, now=NOW)

    assert told(bob) == []


def test_new_recovery_codes_are_told_and_not_mailed(alice):
    codes = second_factors.new_recovery_codes(user=alice, password=PASSWORD, now=NOW)

    assert told(alice) == [(FactorChange.CODES_REPLACED, "")]
    assert not any(code in Mail.objects.get().context for code in codes)


def test_passkeys_that_come_and_go_are_told_by_name():
    bob = make_user()
    row = add_passkey(bob)
    passkeys.remove(user=bob, public_id=row.public_id, now=NOW)

    assert told(bob) == [
        (FactorChange.PASSKEY_ADDED, "Phone"),
        (FactorChange.PASSKEY_REMOVED, "Phone"),
    ]


def test_what_is_refused_is_not_told(alice):
    with pytest.raises(second_factors.NotProven):
        second_factors.turn_off(user=alice, password="wrong", now=NOW)
    with pytest.raises(passkeys.NoSuchPasskey):
        passkeys.remove(user=alice, public_id="psk_none", now=NOW)

    assert told(alice) == []


def test_no_change_without_its_mail(alice, monkeypatch):
    def fail(**_):
        raise ValueError

    monkeypatch.setattr(mail, "queue", fail)

    old = set(RecoveryCode.objects.values_list("digest", flat=True))
    with pytest.raises(ValueError):  # noqa: PT011 (our own, just above)
        second_factors.new_recovery_codes(user=alice, password=PASSWORD, now=NOW)
    with pytest.raises(ValueError):  # noqa: PT011
        add_passkey(alice)

    assert set(RecoveryCode.objects.values_list("digest", flat=True)) == old
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("change", FactorChange)
def test_the_mail_says_what_happened_and_what_to_do(change):
    bob = make_user()
    name = '<b>"Phone"</b>' if "passkey" in change else ""
    notices.factor_changed(user=bob, change=change, passkey=name, now=NOW)

    mail.send(mail_id=Mail.objects.get().public_id, now=NOW)

    (sent,) = outbox.outbox
    html, _ = sent.alternatives[0]
    assert (sent.to, sent.subject) == ([bob.email], "The ways into your Orsta account changed")
    for body in (sent.body, html):
        assert change in body
        assert f"{ORIGIN}/console/forgot" in body
        assert f"{ORIGIN}/console/settings" in body
    assert name in sent.body
    assert "<b>" not in html
