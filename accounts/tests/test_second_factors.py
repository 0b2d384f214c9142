"""Recovery codes, second factors, and the logins that wait for them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEntry, PendingLogin, RecoveryCode
from accounts.services import passkeys, recovery_codes, second_factors, totp
from accounts.tests.authenticator import ORIGIN, Authenticator
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.totp_apps import LATER, NOW, code_at, enroll, wrong
from orsta.core import errors, limits

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_of_two_who_come_with_the_same_code_one_gets_in():
    alice = make_user()
    secret, codes = enroll(alice)
    code = code_at(secret, LATER)

    def take(attempt):
        try:
            if attempt % 2:
                return "totp" if totp.take(user=alice, code=code, now=LATER) else ""
            good = recovery_codes.take(user=alice, code=codes[0], now=LATER)
            return "recovery" if good else ""
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(16)))

    assert sorted(filter(None, outcomes)) == ["recovery", "totp"]


def test_a_recovery_code_works_once_however_it_is_typed():
    alice = make_user()
    _, codes = enroll(alice)
    typed = f" {codes[0].upper().replace('-', ' ')} "

    assert second_factors.verify(user=alice, code=typed, now=NOW) == "recovery_code"

    with pytest.raises(second_factors.WrongCode):
        second_factors.verify(user=alice, code=codes[0], now=NOW)
    assert recovery_codes.left(alice) == 9
    assert AuditEntry.objects.filter(action="recovery_code.used").count() == 1


def test_recovery_codes_are_of_one_person():
    _, codes = enroll(make_user())
    bob = make_user()
    enroll(bob)

    with pytest.raises(second_factors.WrongCode):
        second_factors.verify(user=bob, code=codes[0], now=NOW)


def test_recovery_codes_of_a_retired_pepper_are_refused(settings):
    alice = make_user()
    _, codes = enroll(alice)
    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32}

    with pytest.raises(second_factors.WrongCode):
        second_factors.verify(user=alice, code=codes[0], now=NOW)


def test_new_recovery_codes_end_the_old_ones():
    alice = make_user()
    secret, old = enroll(alice)

    new = second_factors.new_recovery_codes(user=alice, code=code_at(secret, LATER), now=LATER)

    assert not set(new) & set(old)
    assert not recovery_codes.take(user=alice, code=old[0], now=NOW)
    assert recovery_codes.take(user=alice, code=new[0], now=NOW)


def test_a_factor_goes_with_a_code_or_the_password_only():
    alice = make_user()
    secret, _ = enroll(alice)
    for proof in ({"password": "wrong"}, {"code": wrong(secret, LATER)}, {"code": ""}):
        with pytest.raises(second_factors.NotProven):
            second_factors.turn_off(user=alice, **proof, now=LATER)
    assert totp.is_enabled(alice)

    second_factors.turn_off(user=alice, password=PASSWORD, now=LATER)

    assert second_factors.methods_of(alice) == []
    assert not RecoveryCode.objects.exists()
    with pytest.raises(second_factors.NoSecondFactor):
        second_factors.turn_off(user=alice, password=PASSWORD, now=LATER)
    with pytest.raises(second_factors.NoSecondFactor):
        second_factors.new_recovery_codes(user=alice, password=PASSWORD, now=LATER)


def test_a_pending_login_ends_with_the_right_code():
    alice = make_user()
    secret, _ = enroll(alice)
    pending = second_factors.begin(user=alice, now=LATER)
    code = code_at(secret, LATER)

    assert second_factors.take(pending=pending, code=code, now=LATER) == alice

    assert pending.startswith("orp_")
    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code=code, now=LATER)


def test_a_pending_login_takes_five_attempts():
    alice = make_user()
    secret, codes = enroll(alice)
    pending = second_factors.begin(user=alice, now=LATER)
    for _ in range(5):
        with pytest.raises(second_factors.WrongCode):
            second_factors.take(pending=pending, code=wrong(secret, LATER), now=LATER)

    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code=codes[0], now=LATER)

    assert PendingLogin.objects.get().attempts == 5
    assert recovery_codes.left(alice) == 10


@pytest.mark.parametrize("pending", ["", "orp_nonsense", "orl"])
def test_a_token_that_nobody_was_given_is_refused(pending):
    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code="123456", now=NOW)


def test_a_pending_login_ends_after_five_minutes_and_with_its_person():
    alice = make_user()
    _, codes = enroll(alice)
    pending = second_factors.begin(user=alice, now=NOW)
    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code=codes[0], now=NOW + timedelta(minutes=5))

    type(alice).objects.update(is_active=False)

    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code=codes[0], now=NOW)


def test_guessing_is_limited_across_logins():
    alice = make_user()
    secret, codes = enroll(alice)

    def guess(code):
        pending = second_factors.begin(user=alice, now=LATER)
        second_factors.take(pending=pending, code=code, now=LATER)

    for _ in range(limits.policy_of("code_account").limit):
        with pytest.raises(second_factors.WrongCode):
            guess(wrong(secret, LATER))
    with pytest.raises(errors.LimitReached) as refused:
        guess(codes[0])

    assert refused.value.details["retry_after"] > 0
    assert recovery_codes.left(alice) == 10


def test_a_passkey_is_a_second_factor_of_its_owner_alone(settings):
    settings.ORSTA_PUBLIC_URL = ORIGIN
    alice, bob, device = make_user(), make_user(), Authenticator()
    enroll(alice)
    enroll(bob)
    options = passkeys.begin_registration(user=alice, now=NOW)
    passkeys.register(user=alice, name="Phone", answer=device.create(options), now=NOW)
    assert second_factors.methods_of(alice) == ["totp", "recovery_code", "passkey"]

    answer = device.get(passkeys.begin_login(now=NOW))
    with pytest.raises(second_factors.WrongCode):
        second_factors.verify(user=bob, passkey=answer, now=NOW)
    answer = device.get(passkeys.begin_login(now=NOW))
    method = second_factors.verify(user=alice, passkey=answer, now=NOW)

    assert method == "passkey"


def test_a_passkey_alone_demands_nothing_at_login(settings):
    settings.ORSTA_PUBLIC_URL = ORIGIN
    alice = make_user()
    options = passkeys.begin_registration(user=alice, now=NOW)
    passkeys.register(user=alice, name="Phone", answer=Authenticator().create(options), now=NOW)

    assert second_factors.methods_of(alice) == []
