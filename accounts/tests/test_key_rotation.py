"""A key and its successor."""

from datetime import timedelta

import pytest

from accounts import selectors
from accounts.models import ApiKey, Tenant
from accounts.services import keys
from accounts.tests.factories import make_api_key, make_tenant, owner_of
from accounts.tests.key_probes import NOW, events, opens
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("active", [True, False])
def test_rotating_replaces_the_key_and_leaves_the_switch_alone(active):
    tenant = make_tenant()
    old = make_api_key(tenant, active=active, scopes=["messages:read"], name="shop")

    new = keys.rotate(key=old.row, user=owner_of(tenant), now=NOW)

    old.row.refresh_from_db()
    assert (old.row.revoked_at, old.row.replaced_by) == (NOW, new.row)
    assert (new.row.name, new.row.scopes) == ("shop", ["messages:read"])
    assert not opens(old.text)
    assert opens(new.text) == active
    assert selectors.current_api_key(tenant=tenant) == new.row
    assert events()[-1] == ("api_key.rotated", old.row.public_id)


def test_both_keys_work_during_the_overlap_and_one_after_it():
    old = make_api_key()
    overlap = timedelta(hours=2)

    new = keys.rotate(key=old.row, user=None, now=NOW, overlap=overlap)

    last_moment = NOW + overlap - timedelta(seconds=1)
    assert opens(old.text, now=last_moment)
    assert opens(new.text, now=last_moment)
    assert not opens(old.text, now=NOW + overlap)
    assert opens(new.text, now=NOW + overlap)
    ends = OutboxEvent.objects.get(name="api_key.rotated").payload["works_until"]
    assert ends == (NOW + overlap).isoformat()


def test_an_overlap_never_prolongs_a_key_and_is_seven_days_at_most():
    short = make_api_key(expires_at=NOW + timedelta(hours=1))
    long = make_api_key()

    keys.rotate(key=short.row, user=None, now=NOW, overlap=timedelta(days=1))
    keys.rotate(key=long.row, user=None, now=NOW, overlap=timedelta(days=30))

    assert not opens(short.text, now=NOW + timedelta(hours=1))
    assert opens(long.text, now=NOW + timedelta(days=7, seconds=-1))
    assert not opens(long.text, now=NOW + timedelta(days=7))


def test_a_key_is_replaced_once():
    old = make_api_key()
    keys.rotate(key=old.row, user=None, now=NOW, overlap=timedelta(hours=1))

    with pytest.raises(keys.KeyEnded):
        keys.rotate(key=old.row, user=None, now=NOW)

    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_a_key_that_ended_is_not_replaced(ended):
    issued = make_api_key(expires_at=NOW if ended == "expired" else None)
    if ended == "revoked":
        keys.revoke(key=issued.row, now=NOW)

    with pytest.raises(keys.KeyEnded):
        keys.rotate(key=issued.row, user=None, now=NOW)

    assert ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_leave_one_working_key(race):
    old = make_api_key()

    results = race(8, lambda: keys.rotate(key=old.row, user=None, now=NOW))

    (issued,) = [result for result in results if isinstance(result, keys.IssuedKey)]
    refused = [result for result in results if isinstance(result, keys.KeyEnded)]
    assert len(refused) == 7
    assert ApiKey.objects.get(revoked_at=None) == issued.row
    assert opens(issued.text)


@pytest.mark.django_db(transaction=True)
def test_a_payment_during_a_rotation_turns_on_the_key_that_is_left(race):
    tenant = make_tenant()
    old = make_api_key(tenant, active=False)
    turns = iter([keys.activate, keys.rotate])

    def rotate_or_activate():
        turn = next(turns)
        if turn is keys.activate:
            return turn(tenant=tenant, now=NOW)
        return turn(key=old.row, user=None, now=NOW)

    results = race(2, rotate_or_activate)

    (new,) = [result for result in results if isinstance(result, keys.IssuedKey)]
    assert Tenant.objects.get().api_enabled
    assert opens(new.text)
