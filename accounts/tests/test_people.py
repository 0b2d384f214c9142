"""Shutting people out, and letting them back in."""

import pytest
from django.utils import timezone

from accounts import selectors
from accounts.models import AuditEntry
from accounts.services import login, people
from accounts.tests.factories import PASSWORD, make_api_key, make_login
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def trail() -> list[tuple[str, str]]:
    newest = AuditEntry.objects.order_by("pk").values_list("action", "actor")
    return [(action, actor) for action, actor in newest if actor == "usr_staff"]


def test_a_person_who_is_shut_out_is_logged_out_everywhere():
    now = timezone.now()
    alice = make_login()
    second = make_login(alice.tenant, alice.user)

    people.deactivate(user=alice.user, now=now, actor="usr_staff")

    for token in (alice.token, second.token):
        assert selectors.principal_of_token(token, now=now) is None
    with pytest.raises(login.InvalidCredentials):
        login.log_in(name=alice.user.email, password=PASSWORD, now=now)
    assert trail() == [
        ("user.deactivated", "usr_staff"),
        ("login_session.revoked", "usr_staff"),
        ("login_session.revoked", "usr_staff"),
    ]
    revoked = OutboxEvent.objects.filter(name="login_session.revoked")
    assert {event.payload["credential_id"] for event in revoked} == {
        alice.row.public_id,
        second.row.public_id,
    }


def test_the_key_of_a_tenant_without_anybody_left_opens_nothing():
    now = timezone.now()
    alice = make_login()
    key = make_api_key(alice.tenant).text

    people.deactivate(user=alice.user, now=now)

    assert selectors.principal_of_api_key(key, now=now) is None


def test_a_person_who_is_let_in_again_logs_in_again():
    now = timezone.now()
    alice = make_login()
    people.deactivate(user=alice.user, now=now)

    people.reactivate(user=alice.user, now=now, actor="usr_staff")

    assert login.log_in(name=alice.user.email, password=PASSWORD, now=now).user == alice.user
    assert selectors.principal_of_token(alice.token, now=now) is None
    assert trail() == [("user.reactivated", "usr_staff")]


def test_doing_it_twice_is_doing_it_once():
    now = timezone.now()
    alice = make_login()

    for _ in range(2):
        people.deactivate(user=alice.user, now=now, actor="usr_staff")
    for _ in range(2):
        people.reactivate(user=alice.user, now=now, actor="usr_staff")

    assert [action for action, _ in trail()] == [
        "user.deactivated",
        "login_session.revoked",
        "user.reactivated",
    ]
