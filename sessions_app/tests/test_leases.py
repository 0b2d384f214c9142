"""Who owns a session, and who may write for it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from sessions_app.models import Lease, Runner, Session
from sessions_app.services import leases
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import give_lease, make_customer, make_session

pytestmark = pytest.mark.django_db


def claim(owner="runner-1", limit=10):
    return [c.session_id for c in leases.claim(owner=owner, limit=limit, now=timezone.now())]


@pytest.mark.parametrize(
    ("desired", "status", "wanted"),
    [
        (DesiredState.RUNNING, SessionStatus.STARTING, True),
        (DesiredState.RUNNING, SessionStatus.CONNECTED, True),
        (DesiredState.RUNNING, SessionStatus.DISCONNECTED, True),
        (DesiredState.RUNNING, SessionStatus.CREATED, False),
        (DesiredState.RUNNING, SessionStatus.LOGGED_OUT, False),
        (DesiredState.RUNNING, SessionStatus.FAULTED, False),
        (DesiredState.STOPPED, SessionStatus.CONNECTED, True),
        (DesiredState.STOPPED, SessionStatus.STOPPED, False),
        (DesiredState.DELETED, SessionStatus.STOPPED, True),
        (DesiredState.DELETED, SessionStatus.DELETED, False),
    ],
)
def test_a_runner_takes_what_needs_one(desired, status, wanted):
    session = make_session(status=status, desired=desired, jid="1@s.whatsapp.net")

    assert claim() == ([session.pk] if wanted else [])


def test_a_banned_session_is_taken_when_the_ban_ends():
    session = make_session(status=SessionStatus.BANNED)
    assert claim() == []

    type(session).objects.update(retry_at=timezone.now() - timedelta(seconds=1))

    assert claim() == [session.pk]


def test_an_owned_session_is_not_taken():
    session = make_session(status=SessionStatus.CONNECTED)
    give_lease(session, owner="runner-1")

    assert claim("runner-2") == []


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_epoch():
    session = make_session(status=SessionStatus.CONNECTED)
    give_lease(session, owner="runner-1", seconds=-1)

    assert claim("runner-2") == [session.pk]

    lease = Lease.objects.get(pk=session.pk)
    assert (lease.owner, lease.epoch) == ("runner-2", 2)


def test_a_runner_takes_no_more_than_it_has_room_for():
    tenant = make_customer()
    for _ in range(3):
        make_session(tenant=tenant, status=SessionStatus.STARTING)

    assert len(claim(limit=2)) == 2


def test_a_renewal_tells_what_is_still_ours():
    kept = make_session(status=SessionStatus.CONNECTED)
    lost = make_session(status=SessionStatus.CONNECTED)
    give_lease(kept, owner="runner-1")
    give_lease(lost, owner="runner-2")

    assert leases.renew(owner="runner-1", session_ids=[kept.pk, lost.pk]) == {kept.pk: 1}


def test_a_lease_whose_connection_was_given_up_is_not_renewed():
    session = make_session(status=SessionStatus.CONNECTED)
    before = give_lease(session, owner="runner-1", seconds=1).expires_at

    assert leases.renew(owner="runner-1", session_ids=[]) == {}

    assert Lease.objects.get(pk=session.pk).expires_at == before


def test_only_the_owner_at_its_epoch_may_write():
    session = make_session(status=SessionStatus.CONNECTED)
    give_lease(session, owner="runner-1")

    with transaction.atomic():
        assert leases.lock_held(owner="runner-1", epochs={session.pk: 1}) == {session.pk}
        assert leases.lock_held(owner="runner-1", epochs={session.pk: 0}) == set()
        assert leases.lock_held(owner="runner-2", epochs={session.pk: 1}) == set()


def test_a_released_session_is_free_at_once():
    session = make_session(status=SessionStatus.CONNECTED)
    give_lease(session, owner="runner-1")

    leases.release(owner="runner-1", epochs={session.pk: 1})

    assert claim("runner-2") == [session.pk]


def test_a_late_release_takes_nothing_from_the_new_owner():
    session = make_session(status=SessionStatus.CONNECTED)
    give_lease(session, owner="runner-1", seconds=-1)
    claim("runner-2")

    leases.release(owner="runner-1", epochs={session.pk: 1})

    assert Lease.objects.get(pk=session.pk).owner == "runner-2"


@pytest.mark.parametrize(
    "status",
    [
        SessionStatus.CONNECTED,
        SessionStatus.RESTRICTED,
        SessionStatus.DEGRADED,
        SessionStatus.PAIRING,
        SessionStatus.PASSKEY_REQUIRED,
        SessionStatus.PASSKEY_CONFIRMATION,
    ],
)
def test_a_session_without_a_living_runner_is_not_called_connected(status):
    dead = make_session(status=status)
    give_lease(dead, seconds=-1)
    alive = make_session(status=status)
    give_lease(alive)

    assert leases.mark_orphans(now=timezone.now()) == 1

    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.status, dead.reason) == (SessionStatus.DISCONNECTED, "the runner is gone")
    assert alive.status == status


def test_a_heartbeat_keeps_the_start():
    first = timezone.now()
    later = first + timedelta(seconds=10)
    for now in (first, later):
        leases.beat(node="n", version="1", capacity=5, sessions=0, draining=False, now=now)

    runner = Runner.objects.get()
    assert (runner.started_at, runner.heartbeat_at) == (first, later)


@pytest.mark.django_db(transaction=True)
def test_runners_that_claim_at_once_share_without_overlap(race):
    tenant = make_customer()
    wanted = {make_session(tenant=tenant, status=SessionStatus.STARTING).pk for _ in range(40)}
    owners = iter([f"runner-{number}" for number in range(8)])

    results = race(8, lambda: claim(next(owners), limit=40))

    taken = [session_id for result in results for session_id in result]
    assert sorted(taken) == sorted(wanted)


# -- which runner takes what ---------------------


def beat(node, *, now, sessions=0, capacity=100, draining=False):
    leases.beat(
        node=node,
        version="1",
        capacity=capacity,
        sessions=sessions,
        draining=draining,
        now=now,
    )


def test_runners_that_can_take_sessions_have_seats():
    now = timezone.now()
    beat("a:1:aa", now=now)
    beat("full:2:bb", now=now, sessions=100)
    beat("leaving:3:cc", now=now, draining=True)
    beat("dead:4:dd", now=now - timedelta(minutes=1))

    seats = leases.seating(owner="new:5:ee", now=now)

    assert seats == {"a:1:aa": "a/0", "new:5:ee": "new/0"}


def test_a_runner_sits_where_its_predecessor_sat():
    now = timezone.now()
    beat("a:1:aa", now=now - timedelta(minutes=1))

    assert leases.seating(owner="a:2:bb", now=now) == {"a:2:bb": "a/0"}


def test_runners_of_one_node_have_a_seat_each():
    now = timezone.now()
    beat("a:1:aa", now=now - timedelta(seconds=5))
    beat("a:2:bb", now=now)

    assert leases.seating(owner="a:2:bb", now=now) == {"a:1:aa": "a/0", "a:2:bb": "a/1"}


def seated(owner, seat, seats=("a/0", "b/0"), limit=100):
    claims = leases.claim(
        owner=owner, limit=limit, now=timezone.now(), seats=list(seats), seat=seat
    )
    return {claim.session_id for claim in claims}


@pytest.fixture
def many():
    tenant = make_customer()
    return {make_session(tenant=tenant, status=SessionStatus.STARTING).pk for _ in range(60)}


def test_runners_share_without_taking_from_each_other(many):
    ours, theirs = seated("a:1:aa", "a/0"), seated("b:1:bb", "b/0")

    assert ours | theirs == many
    assert ours.isdisjoint(theirs)
    assert min(len(ours), len(theirs)) >= 15


def test_a_restarted_runner_gets_the_sessions_that_it_had(many):
    before = seated("a:1:aa", "a/0")
    leases.release(owner="a:1:aa", epochs=dict.fromkeys(before, 1))

    assert seated("a:2:bb", "a/0") == before


def test_a_third_runner_moves_no_session_between_the_others(many):
    two = {seat: seated(seat, seat, limit=100) for seat in ("a/0", "b/0")}
    for owner, held in two.items():
        leases.release(owner=owner, epochs=dict.fromkeys(held, 1))

    three = {seat: seated(seat, seat, ("a/0", "b/0", "c/0")) for seat in ("a/0", "b/0")}

    assert three["a/0"] <= two["a/0"]
    assert three["b/0"] <= two["b/0"]


def test_what_its_runner_does_not_take_goes_to_another_after_a_while(many):
    mine = seated("a:1:aa", "a/0")
    assert seated("a:1:aa", "a/0") == set()

    waited = timezone.now() - timedelta(seconds=leases.SPARED_SECONDS + 1)
    Session.objects.update(updated_at=waited)

    assert seated("a:1:aa", "a/0") == many - mine


def test_a_released_session_is_spared_for_its_runner_as_well(many):
    waited = timezone.now() - timedelta(seconds=leases.SPARED_SECONDS + 1)
    Session.objects.update(updated_at=waited)
    mine = seated("a:1:aa", "a/0", ["a/0"])
    leases.release(owner="a:1:aa", epochs=dict.fromkeys(mine, 1))

    assert seated("b:1:bb", "b/0") < many
