"""Passkeys: registered and used with a device made of software."""

from datetime import timedelta

import pytest
from django.utils import timezone
from fido2.webauthn import AuthenticatorData

from accounts.models import AuditEntry, Ceremony, Passkey
from accounts.services import ceremonies, passkeys
from accounts.tests.authenticator import ORIGIN, Authenticator, garbage
from accounts.tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("domain")]
NOW = timezone.now()


def register(user, device, *, now=NOW):
    options = passkeys.begin_registration(user=user, now=now)
    return passkeys.register(user=user, name="Phone", answer=device.create(options), now=now)


def log_in(device, *, now=NOW):
    return passkeys.finish_login(answer=device.get(passkeys.begin_login(now=now)), now=now)


def test_a_passkey_logs_its_owner_in():
    alice, device = make_user(), Authenticator()
    row = register(alice, device)

    assert log_in(device) == alice

    row.refresh_from_db()
    assert (row.name, row.last_used_at) == ("Phone", NOW)
    assert not Ceremony.objects.exists()


def test_the_device_must_know_who_holds_it():
    options = passkeys.begin_registration(user=make_user(), now=NOW)["publicKey"]

    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["rp"] == {"id": "orsta.example", "name": "Orsta"}


def test_a_challenge_works_once():
    device = Authenticator()
    register(make_user(), device)
    answer = device.get(passkeys.begin_login(now=NOW))
    passkeys.finish_login(answer=answer, now=NOW)

    with pytest.raises(passkeys.InvalidPasskey):
        passkeys.finish_login(answer=answer, now=NOW)


def test_a_challenge_ends_after_five_minutes():
    device = Authenticator()
    register(make_user(), device)
    answer = device.get(passkeys.begin_login(now=NOW))

    with pytest.raises(passkeys.InvalidPasskey):
        passkeys.finish_login(answer=answer, now=NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://sub.orsta.example"},
        {"origin": ORIGIN + ":8443"},
        {"domain": "evil.example"},
        {"flags": AuthenticatorData.FLAG.UP},
        {"flags": AuthenticatorData.FLAG.UV},
    ],
)
def test_an_answer_that_was_not_given_for_us_is_refused(bent):
    alice, device = make_user(), Authenticator()
    register(alice, device)
    for name, value in bent.items():
        setattr(device, name, value)

    with pytest.raises(passkeys.InvalidPasskey):
        log_in(device)
    with pytest.raises(passkeys.PasskeyRefused):
        register(make_user(), device)

    assert Passkey.objects.get().last_used_at is None


def test_a_passkey_with_another_key_is_refused():
    device = Authenticator()
    register(make_user(), device)

    with pytest.raises(passkeys.InvalidPasskey):
        log_in(Authenticator(credential_id=device.credential_id))


def test_the_answer_of_a_registration_logs_nobody_in():
    alice, device = make_user(), Authenticator()
    register(alice, device)
    options = passkeys.begin_registration(user=alice, now=NOW)

    with pytest.raises(passkeys.InvalidPasskey):
        passkeys.finish_login(answer=device.get(options), now=NOW)


def test_somebody_who_is_shut_out_has_no_passkeys():
    alice, device = make_user(), Authenticator()
    register(alice, device)
    type(alice).objects.update(is_active=False)

    with pytest.raises(passkeys.InvalidPasskey):
        log_in(device)


def test_a_counter_that_does_not_rise_is_a_copy():
    alice, device = make_user(), Authenticator(counter=5)
    row = register(alice, device)

    with pytest.raises(passkeys.InvalidPasskey):
        log_in(device)

    entry = AuditEntry.objects.get(action="passkey.copy_refused")
    assert (entry.actor, entry.target) == (alice.public_id, row.public_id)
    device.counter = 6
    assert log_in(device) == alice


def test_a_challenge_of_one_person_registers_nothing_for_another():
    alice, bob = make_user(), make_user()
    options = passkeys.begin_registration(user=alice, now=NOW)

    with pytest.raises(passkeys.PasskeyRefused):
        passkeys.register(user=bob, name="x", answer=Authenticator().create(options), now=NOW)

    assert not Passkey.objects.exists()


def test_a_device_is_registered_once():
    device = Authenticator()
    register(make_user(), device)

    with pytest.raises(passkeys.PasskeyRefused):
        register(make_user(), device)

    assert Passkey.objects.count() == 1


def test_a_device_that_is_known_is_left_out():
    alice, device = make_user(), Authenticator()
    row = register(alice, device)

    options = passkeys.begin_registration(user=alice, now=NOW)["publicKey"]

    assert [known["id"] for known in options["excludeCredentials"]] == [row.credential_id]


def test_a_person_has_at_most_twenty_passkeys(monkeypatch):
    monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)
    alice = make_user()
    late = passkeys.begin_registration(user=alice, now=NOW)
    register(alice, Authenticator())

    with pytest.raises(passkeys.TooManyPasskeys):
        passkeys.begin_registration(user=alice, now=NOW)
    with pytest.raises(passkeys.TooManyPasskeys):
        passkeys.register(user=alice, name="x", answer=Authenticator().create(late), now=NOW)

    assert Passkey.objects.count() == 1


@pytest.mark.parametrize("number", range(len(garbage())))
def test_garbage_is_refused(number):
    answer = garbage()[number]

    with pytest.raises(passkeys.PasskeyRefused):
        passkeys.register(user=make_user(), name="x", answer=answer, now=NOW)
    with pytest.raises(passkeys.InvalidPasskey):
        passkeys.finish_login(answer=answer, now=NOW)


def test_a_sign_up_brings_its_passkey():
    device = Authenticator()
    options = passkeys.begin_signup(username="alice", email=" Alice@Example.com", now=NOW)
    alice = make_user("alice", email="alice@example.com")

    passkeys.register_at_signup(user=alice, response=device.create(options), now=NOW)

    assert log_in(device) == alice


def test_a_sign_up_takes_no_passkey_that_was_made_for_another_address():
    options = passkeys.begin_signup(username="bob", email="bob@example.com", now=NOW)
    alice = make_user("alice", email="alice@example.com")
    answer = Authenticator().create(options)

    with pytest.raises(passkeys.PasskeyRefused):
        passkeys.register_at_signup(user=alice, response=answer, now=NOW)

    assert not Passkey.objects.exists()


def test_a_passkey_that_was_removed_opens_nothing():
    alice, device = make_user(), Authenticator()
    row = register(alice, device)
    with pytest.raises(passkeys.NoSuchPasskey):
        passkeys.remove(user=make_user(), public_id=row.public_id, now=NOW)

    passkeys.remove(user=alice, public_id=row.public_id, now=NOW)

    with pytest.raises(passkeys.InvalidPasskey):
        log_in(device)
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["passkey.registered", "passkey.removed"]


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8000", "https://[::1]"])
def test_an_address_without_a_domain_has_no_passkeys(settings, address):
    settings.ORSTA_PUBLIC_URL = address

    assert not ceremonies.available()
    with pytest.raises(ceremonies.PasskeysUnavailable):
        passkeys.begin_login(now=NOW)
