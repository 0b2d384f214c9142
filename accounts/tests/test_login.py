"""Logging in and out."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import selectors
from accounts.models import AuditEntry, LoginSession, Membership
from accounts.services import login
from accounts.tests.factories import (
    PASSWORD,
    make_api_key,
    make_login,
    make_member,
    make_tenant,
    make_user,
    owner_of,
)
from accounts.tests.hashers import CountingHasher
from orsta.core import limits
from orsta.core.errors import LimitReached
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
pytestmark = pytest.mark.django_db


@pytest.fixture
def hasher(settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    CountingHasher.work = 0
    return CountingHasher


def test_logging_in_opens_a_login_of_the_persons_tenant():
    tenant = make_tenant(owner=make_user("alice"))
    key = make_api_key(tenant)

    logged_in = login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)

    principal = selectors.principal_of_token(logged_in.tokens.access, now=NOW)
    assert (principal.tenant, principal.user) == (tenant, owner_of(tenant))
    assert (logged_in.user, logged_in.tenant) == (principal.user, tenant)
    assert logged_in.api_key_masked == selectors.masked_key(key.row)
    assert owner_of(tenant).last_login == NOW


def test_the_address_may_be_written_in_any_case():
    make_tenant(owner=make_user("alice"))

    logged_in = login.log_in(name=" ALICE@Example.com ", password=PASSWORD, now=NOW)

    assert logged_in.user.username == "alice"


def test_every_wrong_credential_gets_the_same_answer():
    make_tenant(owner=make_user("alice"))
    make_tenant(owner=make_user("shutout", is_active=False))
    attempts = [
        ("alice@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("shutout@example.com", PASSWORD),
        ("", ""),
    ]

    refusals = []
    for email, password in attempts:
        with pytest.raises(login.InvalidCredentials) as refusal:
            login.log_in(name=email, password=password, now=NOW)
        refusals.append((refusal.value.code, refusal.value.message, refusal.value.details))

    assert set(map(str, refusals)) == {"('invalid_credentials', 'Invalid credentials', {})"}
    assert not LoginSession.objects.exists()


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("shutout@example.com", PASSWORD),
        ("nopassword@example.com", "wrong"),
    ],
)
def test_b8_o6_an_unknown_address_costs_the_same_work_as_a_wrong_password(
    hasher, email, password
):
    """The answer's time told which addresses exist."""
    make_tenant(owner=make_user("alice"))
    make_tenant(owner=make_user("shutout", is_active=False))
    make_tenant(owner=make_user("nopassword", password=None))
    hasher.work = 0

    with pytest.raises(login.InvalidCredentials):
        login.log_in(name=email, password=password, now=NOW)

    assert hasher.work == 1


def test_b9_o8_the_password_is_checked_outside_any_transaction():
    """The hash was computed under the one database lock."""
    make_tenant(owner=make_user("alice"))

    with CaptureQueriesContext(connection) as queries:
        login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)

    statements = [query["sql"].split()[0] for query in queries]
    assert statements == [
        "SELECT",  # the person
        "SELECT",  # its authenticator app: there is none
        "SELECT",  # its tenant
        "SAVEPOINT",
        "INSERT",  # the login
        "INSERT",  # the audit entry
        "INSERT",  # the refresh token
        "UPDATE",  # last_login
        "RELEASE",
        "SELECT",  # the API key, to show its mask
    ]


def test_staff_without_a_workspace_are_sent_to_the_admin():
    make_user("staff", is_staff=True)

    with pytest.raises(login.NoWorkspace):
        login.log_in(name="staff@example.com", password=PASSWORD, now=NOW)

    assert not LoginSession.objects.exists()


def test_b6_o3_logging_out_ends_the_token_at_once():
    """Tokens worked for seven days, logged out or not."""
    alice = make_login()

    login.log_out(token=alice.token, now=NOW)

    assert selectors.principal_of_token(alice.token, now=NOW) is None
    event = OutboxEvent.objects.get(name="login_session.revoked")
    assert event.payload == {"credential_id": alice.row.public_id}
    assert event.shard == f"tenant:{alice.tenant.public_id}"
    entry = AuditEntry.objects.get(action="login_session.revoked")
    assert (entry.actor, entry.target) == (alice.user.public_id, alice.row.public_id)


def test_logging_out_twice_happens_once():
    alice = make_login()

    login.log_out(token=alice.token, now=NOW)
    login.log_out(token=alice.token, now=NOW + timedelta(hours=1))
    login.revoke(login_session=alice.row, now=NOW + timedelta(hours=1))

    assert LoginSession.objects.get().revoked_at == NOW
    assert OutboxEvent.objects.filter(name="login_session.revoked").count() == 1


@pytest.mark.parametrize("token", ["", "nonsense", "ort_\x00", "x" * 100_000])
def test_logging_out_with_a_token_that_opens_nothing_is_fine(token):
    alice = make_login()

    login.log_out(token=token, now=NOW)

    assert selectors.principal_of_token(alice.token, now=NOW) is not None


def test_the_key_id_alone_logs_nobody_out():
    alice, other = make_login(), make_login()
    secret_of_another = other.token.split("_")[2]
    forged = f"ort_{alice.row.key_id}_{secret_of_another}"

    login.log_out(token=forged, now=NOW)

    assert selectors.principal_of_token(alice.token, now=NOW) is not None


def test_one_logout_leaves_the_other_logins_open():
    alice = make_login()
    second = make_login(alice.tenant, alice.user)

    login.log_out(token=alice.token, now=NOW)

    assert selectors.principal_of_token(second.token, now=NOW) is not None


def test_all_logins_of_a_person_can_be_ended():
    alice = make_login()
    make_login(alice.tenant, alice.user)
    bob = make_login(alice.tenant, make_member(alice.tenant))

    ended = login.revoke_all(user=alice.user, now=NOW)

    assert ended == 2
    assert LoginSession.objects.filter(user=alice.user, revoked_at=None).count() == 0
    assert selectors.principal_of_token(bob.token, now=NOW) is not None


@pytest.mark.parametrize("loss", ["deactivated", "deleted", "left"])
def test_b6_whoever_is_gone_has_no_working_token(loss):
    """The tokens of deleted users went on working."""
    alice = make_login()
    if loss == "deactivated":
        alice.user.is_active = False
        alice.user.save()
    elif loss == "deleted":
        alice.user.delete()
    else:
        Membership.objects.filter(user=alice.user).delete()

    assert selectors.principal_of_token(alice.token, now=NOW) is None


def test_b6_a_renamed_person_is_seen_under_the_new_name():
    """The old name lived on in the token."""
    alice = make_login()
    alice.user.username = "alicia"
    alice.user.save()

    assert selectors.principal_of_token(alice.token, now=NOW).user.username == "alicia"


@pytest.mark.django_db(transaction=True)
def test_of_eight_logouts_at_once_exactly_one_is_announced(race):
    alice = make_login()

    race(8, lambda: login.log_out(token=alice.token, now=NOW))

    assert OutboxEvent.objects.filter(name="login_session.revoked").count() == 1


def test_the_user_name_will_do_in_any_case():
    make_tenant(owner=make_user("alice"))

    logged_in = login.log_in(name=" ALICE ", password=PASSWORD, now=NOW)

    assert logged_in.user.username == "alice"


def test_b8_an_account_is_tried_ten_times_and_a_success_forgives_them():
    make_tenant(owner=make_user("alice"))
    for _ in range(9):
        with pytest.raises(login.InvalidCredentials):
            login.log_in(name="alice@example.com", password="wrong", now=NOW)
    login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)
    for _ in range(10):
        with pytest.raises(login.InvalidCredentials):
            login.log_in(name="Alice@example.com", password="wrong", now=NOW)

    with pytest.raises(LimitReached) as refusal:
        login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)

    assert 0 < refusal.value.details["retry_after"] <= 900


def test_b8_an_address_tries_fifty_times_whatever_the_account():
    for number in range(50):
        with pytest.raises(login.InvalidCredentials):
            login.log_in(name=f"a{number}@example.com", password="x", ip="192.0.2.7", now=NOW)

    with pytest.raises(LimitReached):
        login.log_in(name="bob@example.com", password="x", ip="192.0.2.7", now=NOW)
    with pytest.raises(login.InvalidCredentials):
        login.log_in(name="bob@example.com", password="x", ip="192.0.2.8", now=NOW)


def test_nobody_is_let_in_while_attempts_cannot_be_counted(monkeypatch):
    make_tenant(owner=make_user("alice"))

    def away(*args, **kwargs):
        raise limits.LimiterAway("away", retry_after=2)

    monkeypatch.setattr(limits, "hit", away)

    with pytest.raises(limits.LimiterAway):
        login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)
