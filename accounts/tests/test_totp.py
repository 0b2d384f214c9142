"""Authenticator apps: set up, confirmed, and what they show taken once."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import RecoveryCode, TotpDevice
from accounts.services import second_factors, totp
from accounts.tests.factories import make_user
from accounts.tests.totp_apps import LATER, NOW, code_at, enroll, wrong

pytestmark = pytest.mark.django_db


def test_an_app_counts_once_it_has_shown_a_code():
    alice = make_user()
    enrolment = totp.begin(user=alice, now=NOW)
    assert second_factors.methods_of(alice) == []

    codes = totp.confirm(user=alice, code=code_at(enrolment.secret, NOW), now=NOW)

    assert second_factors.methods_of(alice) == ["totp", "recovery_code"]
    assert len(set(codes)) == 10
    assert enrolment.uri.startswith("otpauth://totp/Orsta:")


def test_a_wrong_first_code_turns_nothing_on():
    alice = make_user()
    secret = totp.begin(user=alice, now=NOW).secret

    with pytest.raises(totp.TotpMismatch):
        totp.confirm(user=alice, code=wrong(secret, NOW), now=NOW)

    assert not totp.is_enabled(alice)
    assert not RecoveryCode.objects.exists()


def test_beginning_again_replaces_a_secret_that_was_never_confirmed():
    alice = make_user()
    old = totp.begin(user=alice, now=NOW).secret
    new = totp.begin(user=alice, now=NOW).secret

    with pytest.raises(totp.TotpMismatch):
        totp.confirm(user=alice, code=code_at(old, NOW), now=NOW)
    totp.confirm(user=alice, code=code_at(new, NOW), now=NOW)


def test_a_secret_that_another_window_replaced_meanwhile_is_not_turned_on(monkeypatch):
    alice = make_user()
    secret = totp.begin(user=alice, now=NOW).secret
    step_of = totp._step_of

    def begin_again(*args, **kwargs):
        totp.begin(user=alice, now=NOW + timedelta(seconds=1))
        return step_of(*args, **kwargs)

    monkeypatch.setattr(totp, "_step_of", begin_again)
    with pytest.raises(totp.TotpMismatch):
        totp.confirm(user=alice, code=code_at(secret, NOW), now=NOW)

    assert not totp.is_enabled(alice)


def test_an_app_in_use_cannot_be_replaced():
    alice = make_user()
    secret, _ = enroll(alice)

    with pytest.raises(totp.TotpEnabled):
        totp.begin(user=alice, now=NOW)
    with pytest.raises(totp.TotpNotStarted):
        totp.confirm(user=alice, code=code_at(secret, LATER), now=LATER)

    assert TotpDevice.objects.get().secret == secret


def test_neither_the_secret_nor_the_codes_can_be_read_in_the_database():
    secret, codes = enroll(make_user())

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_totpdevice")
        (sealed,) = cursor.fetchone()

    assert secret not in sealed
    stored = " ".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert not any(code in stored for code in codes)


@pytest.mark.parametrize(
    ("seconds", "good"), [(-60, False), (-30, True), (30, True), (60, False)]
)
def test_a_phone_may_be_half_a_minute_off(seconds, good):
    alice = make_user()
    secret, _ = enroll(alice, now=NOW - timedelta(hours=1))

    shown = code_at(secret, NOW + timedelta(seconds=seconds))

    assert totp.take(user=alice, code=shown, now=NOW) is good


def test_a_code_works_once():
    alice = make_user()
    secret, _ = enroll(alice)
    assert not totp.take(user=alice, code=code_at(secret, NOW), now=NOW)
    code = code_at(secret, LATER)

    second_factors.verify(user=alice, code=code, now=LATER)

    with pytest.raises(second_factors.WrongCode):
        second_factors.verify(user=alice, code=code, now=LATER)


def test_an_older_code_is_not_taken_after_a_newer_one():
    alice = make_user()
    secret, _ = enroll(alice)
    totp.take(user=alice, code=code_at(secret, LATER), now=LATER)

    before = LATER - timedelta(seconds=30)

    assert not totp.take(user=alice, code=code_at(secret, before), now=LATER)
