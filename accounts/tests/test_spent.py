"""What opens nothing any more is forgotten; what might is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tasks
from accounts.models import (
    AuditEntry,
    Ceremony,
    EmailProof,
    LoginSession,
    PendingLogin,
    RefreshToken,
)
from accounts.services import passkeys, refresh, second_factors, spent
from accounts.tests.authenticator import ORIGIN
from accounts.tests.factories import make_login
from accounts.tests.mailbox import mailed

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def test_what_ended_a_week_ago_is_forgotten():
    alice = make_login(now=NOW).user
    mailed(alice, now=NOW)
    second_factors.begin(user=alice, now=NOW)

    spent.forget(now=NOW + timedelta(days=37, seconds=1))

    assert not EmailProof.objects.exists()
    assert not PendingLogin.objects.exists()
    assert not RefreshToken.objects.exists()
    assert LoginSession.objects.count() == 1


def test_a_signup_that_nobody_went_on_with_is_forgotten_after_an_hour(settings):
    settings.ORSTA_PUBLIC_URL = ORIGIN
    passkeys.begin_signup(username="alice", email="alice@example.com", now=NOW)

    spent.forget(now=NOW + timedelta(minutes=59))
    assert Ceremony.objects.get().state["email"] == "alice@example.com"

    spent.forget(now=NOW + timedelta(hours=1, seconds=1))
    assert not Ceremony.objects.exists()


def test_a_used_refresh_token_is_remembered_while_it_would_have_worked():
    alice = make_login(now=NOW)
    refresh.rotate(token=alice.refresh, now=NOW)

    spent.forget(now=NOW + timedelta(days=36))

    with pytest.raises(refresh.RefreshTokenReused):
        refresh.rotate(token=alice.refresh, now=NOW + timedelta(days=36))


def test_a_login_is_forgotten_long_after_its_end_and_its_audit_stays():
    alice = make_login(now=NOW)

    spent.forget(now=NOW + timedelta(days=181))

    assert not LoginSession.objects.exists()
    entry = AuditEntry.objects.get(action="login_session.opened")
    assert entry.target == alice.row.public_id


def test_what_is_open_is_kept():
    alice = make_login().user
    mailed(alice)
    second_factors.begin(user=alice, now=NOW)

    tasks.forget_spent()

    for model in (EmailProof, PendingLogin, RefreshToken, LoginSession):
        assert model.objects.count() == 1
