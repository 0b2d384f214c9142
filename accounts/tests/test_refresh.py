"""Prolonging a login: a refresh token works once, and a copy ends the login."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import keys, selectors
from accounts.models import AuditEntry, LoginSession, Membership, RefreshToken, TenantStatus
from accounts.services import login, people, refresh
from accounts.tests.factories import PASSWORD, make_login, make_user
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def test_a_refresh_replaces_both_tokens_and_keeps_the_login():
    alice = make_login()

    fresh = refresh.rotate(token=alice.refresh, now=NOW)

    assert selectors.principal_of_token(alice.token, now=NOW) is None
    principal = selectors.principal_of_token(fresh.access, now=NOW)
    assert (principal.credential_id, principal.user) == (alice.row.public_id, alice.user)
    assert refresh.rotate(token=fresh.refresh, now=NOW).access != fresh.access
    assert LoginSession.objects.count() == 1


def test_a_login_that_is_refreshed_outlives_the_access_token():
    alice = make_login(now=NOW)
    on_day_29 = NOW + timedelta(days=29)
    assert selectors.principal_of_token(alice.token, now=on_day_29) is None

    fresh = refresh.rotate(token=alice.refresh, now=on_day_29)

    assert selectors.principal_of_token(fresh.access, now=on_day_29).user == alice.user


def test_a_refresh_token_ends_after_thirty_days_and_a_login_after_ninety():
    alice = make_login(now=NOW)
    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=alice.refresh, now=NOW + timedelta(days=30))

    token = alice.refresh
    for day in (29, 58, 87):
        token = refresh.rotate(token=token, now=NOW + timedelta(days=day)).refresh

    assert RefreshToken.objects.last().expires_at == NOW + timedelta(days=90)
    assert LoginSession.objects.get().expires_at == NOW + timedelta(days=90)
    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=token, now=NOW + timedelta(days=90))


def test_anna8_a_used_refresh_token_ends_the_login_and_is_audited():
    alice = make_login()
    fresh = refresh.rotate(token=alice.refresh, now=NOW)

    with pytest.raises(refresh.RefreshTokenReused):
        refresh.rotate(token=alice.refresh, now=NOW)

    assert selectors.principal_of_token(fresh.access, now=NOW) is None
    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=fresh.refresh, now=NOW)
    entry = AuditEntry.objects.get(action="refresh_token.reused")
    assert (entry.tenant, entry.target) == (alice.tenant, alice.row.public_id)
    event = OutboxEvent.objects.get(name="login_session.revoked")
    assert event.payload == {"credential_id": alice.row.public_id}


@pytest.mark.django_db(transaction=True)
def test_anna8_of_six_refreshes_at_once_one_wins_and_no_chain_forks(race):
    alice = make_login()

    results = race(6, lambda: refresh.rotate(token=alice.refresh, now=NOW))

    won = [result for result in results if hasattr(result, "access")]
    kinds = {type(result) for result in results} - {type(won[0])}
    assert len(won) == 1
    assert kinds <= {refresh.RefreshTokenReused, refresh.InvalidRefreshToken}
    assert selectors.principal_of_token(won[0].access, now=NOW) is None
    assert AuditEntry.objects.filter(action="refresh_token.reused").count() == 1


@pytest.mark.parametrize("loss", ["shut out", "left", "purged", "logged out"])
def test_anna8_whoever_is_gone_refreshes_nothing(loss):
    alice = make_login()
    if loss == "shut out":
        people.deactivate(user=alice.user, now=NOW)
    elif loss == "left":
        Membership.objects.filter(user=alice.user).delete()
    elif loss == "purged":
        alice.tenant.status = TenantStatus.PURGED
        alice.tenant.save()
    else:
        login.log_out(token=alice.token, now=NOW)

    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=alice.refresh, now=NOW)

    assert not RefreshToken.objects.exclude(used_at=None).exists()


def test_anna8_logging_out_everywhere_ends_access_and_refresh_tokens():
    user = make_user()
    first = make_login(user=user)
    second = make_login(first.tenant, user)

    login.revoke_all(user=user, now=NOW)

    for each in (first, second):
        assert selectors.principal_of_token(each.token, now=NOW) is None
        with pytest.raises(refresh.InvalidRefreshToken):
            refresh.rotate(token=each.refresh, now=NOW)


def test_a_login_whose_access_token_ended_is_ended_with_the_others():
    alice = make_login(now=NOW)
    later = NOW + timedelta(days=8)

    assert login.revoke_all(user=alice.user, now=later) == 1

    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=alice.refresh, now=later)


@pytest.mark.parametrize("token", ["", "nonsense", "orr_\x00", "x" * 10_000])
def test_what_is_no_refresh_token_is_refused(token):
    make_login()

    with pytest.raises(refresh.InvalidRefreshToken):
        refresh.rotate(token=token, now=NOW)


def test_an_access_token_and_a_forged_token_refresh_nothing():
    alice = make_login()
    forged = keys.Key(
        keys.KeyType.REFRESH_TOKEN,
        keys.parse(alice.refresh).key_id,
        keys.mint(keys.KeyType.REFRESH_TOKEN).secret,
    )

    for token in (alice.token, forged.render()):
        with pytest.raises(refresh.InvalidRefreshToken):
            refresh.rotate(token=token, now=NOW)

    assert selectors.principal_of_token(alice.token, now=NOW) is not None


def test_a_refresh_token_is_stored_as_a_digest_only():
    alice = make_login()

    row = RefreshToken.objects.get()

    assert keys.parse(alice.refresh).secret not in str(vars(row))
    assert len(row.digest) == 64


def test_a_login_by_password_brings_a_refresh_token():
    alice = make_login(user=make_user("alice"))

    logged_in = login.log_in(name="alice@example.com", password=PASSWORD, now=NOW)

    fresh = refresh.rotate(token=logged_in.tokens.refresh, now=NOW)
    assert selectors.principal_of_token(fresh.access, now=NOW).user == alice.user
