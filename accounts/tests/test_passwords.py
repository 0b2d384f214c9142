"""Passwords: reset by mail, changed by who knows them."""

import pytest

from accounts import selectors
from accounts.models import AuditEntry, LinkPurpose, LoginSession, Mail
from accounts.services import (
    login,
    passkeys,
    passwords,
    proofs,
    refresh,
    second_factors,
)
from accounts.services.proofs import Shown
from accounts.tests.authenticator import Authenticator
from accounts.tests.factories import PASSWORD, make_login, make_user
from accounts.tests.hashers import CountingHasher
from accounts.tests.mailbox import NOW, mailed, wrong
from accounts.tests.totp_apps import enroll
from orsta.core.errors import LimitReached

NEW = "an entirely new secret"
pytestmark = pytest.mark.django_db


def reset(**shown):
    passwords.reset(shown=Shown(**shown), new_password=NEW, now=NOW)


def opens(user, password):
    try:
        return login.log_in(name=user.email, password=password, now=NOW).user == user
    except login.InvalidCredentials:
        return False


@pytest.mark.parametrize("by", ["code", "link"])
def test_a_reset_sets_the_new_password(by):
    alice = make_login().user
    code, token = mailed(alice, LinkPurpose.RESET)

    reset(**({"token": token} if by == "link" else {"code": code, "email": alice.email}))

    assert opens(alice, NEW)
    assert not opens(alice, PASSWORD)


def test_anna8_a_reset_ends_every_login_and_every_refresh_token():
    alice = make_login()
    other = make_login(alice.tenant, alice.user)
    _, token = mailed(alice.user, LinkPurpose.RESET)

    reset(token=token)

    for each in (alice, other):
        assert selectors.principal_of_token(each.token, now=NOW) is None
        with pytest.raises(refresh.InvalidRefreshToken):
            refresh.rotate(token=each.refresh, now=NOW)


def test_a_reset_ends_a_login_that_waits_for_its_second_factor():
    alice = make_login().user
    pending = second_factors.begin(user=alice, now=NOW)
    _, token = mailed(alice, LinkPurpose.RESET)

    reset(token=token)

    with pytest.raises(second_factors.PendingLoginOver):
        second_factors.take(pending=pending, code="123456", now=NOW)


def test_a_reset_proves_the_address_too():
    alice = make_login().user
    _, token = mailed(alice, LinkPurpose.RESET)

    reset(token=token)

    alice.refresh_from_db()
    assert alice.email_verified_at == NOW


@pytest.mark.usefixtures("domain")
@pytest.mark.parametrize("verified", [False, True])
def test_a_first_proof_of_the_address_ends_what_somebody_else_set_up(verified):
    """Anybody may have signed up with it, and added a passkey that outlives the password."""
    alice = make_user(email_verified_at=NOW if verified else None)
    options = passkeys.begin_registration(user=alice, now=NOW)
    answer = Authenticator().create(options)
    passkeys.register(user=alice, name="Thief's phone", answer=answer, now=NOW)
    enroll(alice, now=NOW)
    _, token = mailed(alice, LinkPurpose.RESET)

    reset(token=token)

    assert passkeys.of(alice).exists() is verified
    assert bool(second_factors.methods_of(alice)) is verified
    removed = AuditEntry.objects.filter(action__in=["passkey.removed", "totp.disabled"])
    assert removed.count() == (0 if verified else 2)


def test_a_reset_is_audited_and_its_person_is_told():
    alice = make_login().user
    _, token = mailed(alice, LinkPurpose.RESET)

    reset(token=token)

    entry = AuditEntry.objects.get(action="password.reset")
    assert (entry.actor, entry.target) == (alice.public_id, alice.public_id)
    assert NEW not in str(vars(entry))
    assert Mail.objects.latest("pk").template == "password_changed"


def test_a_reset_works_once():
    alice = make_login().user
    _, token = mailed(alice, LinkPurpose.RESET)
    reset(token=token)

    with pytest.raises(proofs.InvalidProof):
        reset(token=token)


def test_a_weak_password_is_refused_and_the_link_still_works():
    alice = make_login().user
    _, token = mailed(alice, LinkPurpose.RESET)

    for weak in ("short", "password123", alice.email):
        with pytest.raises(passwords.InvalidPassword) as refusal:
            passwords.reset(shown=Shown(token=token), new_password=weak, now=NOW)
        assert list(refusal.value.details["fields"]) == ["new_password"]

    assert opens(alice, PASSWORD)
    reset(token=token)
    assert opens(alice, NEW)


def test_a_verification_code_resets_no_password():
    alice = make_login().user
    code, token = mailed(alice, LinkPurpose.VERIFY)

    for shown in ({"token": token}, {"code": code, "email": alice.email}):
        with pytest.raises(proofs.InvalidProof):
            reset(**shown)

    assert opens(alice, PASSWORD)


def test_anna9_five_wrong_codes_end_a_reset():
    alice = make_login().user
    code, _ = mailed(alice, LinkPurpose.RESET)
    for _ in range(5):
        with pytest.raises(proofs.InvalidProof):
            reset(code=wrong(code), email=alice.email)

    with pytest.raises(proofs.InvalidProof):
        reset(code=code, email=alice.email)

    assert opens(alice, PASSWORD)


def test_anna9_an_unknown_address_costs_a_reset_the_same_hash(settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    alice = make_user()
    code, _ = mailed(alice, LinkPurpose.RESET)
    work = []

    for email in (alice.email, "nobody@example.com"):
        CountingHasher.work = 0
        with pytest.raises(proofs.InvalidProof):
            reset(code=wrong(code), email=email)
        work.append(CountingHasher.work)

    assert work == [1, 1]


def test_a_change_needs_the_present_password():
    alice = make_login()

    with pytest.raises(passwords.WrongPassword):
        passwords.change(user=alice.user, current_password="wrong", new_password=NEW, now=NOW)

    assert opens(alice.user, PASSWORD)


def test_a_change_ends_the_other_logins_and_leaves_this_one():
    alice = make_login()
    other = make_login(alice.tenant, alice.user)

    passwords.change(
        user=alice.user,
        current_password=PASSWORD,
        new_password=NEW,
        login_id=alice.row.public_id,
        now=NOW,
    )

    assert opens(alice.user, NEW)
    assert selectors.principal_of_token(alice.token, now=NOW) is not None
    assert selectors.principal_of_token(other.token, now=NOW) is None
    assert AuditEntry.objects.filter(action="password.changed").count() == 1
    assert Mail.objects.get().template == "password_changed"


def test_a_password_that_is_replaced_while_it_is_checked_lets_nobody_in(monkeypatch):
    """The change ended every login that it saw; this one was not open yet."""
    alice = make_login()
    check = login._authenticate

    def overtaken(name, password):
        user = check(name, password)
        change = {"current_password": PASSWORD, "new_password": NEW}
        passwords.change(user=alice.user, **change, now=NOW)
        return user

    monkeypatch.setattr(login, "_authenticate", overtaken)
    with pytest.raises(login.InvalidCredentials):
        login.log_in(name=alice.user.email, password=PASSWORD, now=NOW)

    assert not LoginSession.objects.filter(revoked_at=None).exists()


def test_a_change_voids_a_reset_that_was_mailed_before():
    alice = make_login()
    _, token = mailed(alice.user, LinkPurpose.RESET)

    passwords.change(user=alice.user, current_password=PASSWORD, new_password=NEW, now=NOW)

    with pytest.raises(proofs.InvalidProof):
        passwords.reset(shown=Shown(token=token), new_password=PASSWORD, now=NOW)


def test_b8_the_present_password_is_guessed_ten_times_and_no_more():
    alice = make_login()
    for _ in range(10):
        with pytest.raises(passwords.WrongPassword):
            passwords.change(
                user=alice.user, current_password="wrong", new_password=NEW, now=NOW
            )

    with pytest.raises(LimitReached):
        passwords.change(user=alice.user, current_password=PASSWORD, new_password=NEW, now=NOW)
