"""Sessions follow what their tenant may have: held without it, let go with it."""

import pytest
from django.utils import timezone

from accounts.models import Tenant, TenantStatus
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import handlers_of
from sessions_app import subscribers, tasks
from sessions_app.models import Session, SessionTransition
from sessions_app.services import admission, holds, leases, lifecycle, provisioning
from sessions_app.states import LIVE, DesiredState, Hold, SessionStatus
from sessions_app.tests.factories import (
    end_plan,
    make_customer,
    make_plan,
    make_session,
)
from subscriptions.models import QuotaUsage
from subscriptions.services import lifecycle as subscriptions

pytestmark = pytest.mark.django_db


def refresh(tenant: Tenant) -> int:
    return holds.refresh(tenant_id=tenant.pk, now=timezone.now())


def suspend(tenant: Tenant, status: str = TenantStatus.SUSPENDED) -> None:
    tenant.status = status
    tenant.purge_at = timezone.now() if status == TenantStatus.DELETING else None
    tenant.save(update_fields=["status", "purge_at"])


def claimable() -> list[int]:
    wanted = leases.wanted(now=timezone.now())
    return list(Session.objects.filter(wanted).values_list("pk", flat=True))


def told(session: Session) -> list[tuple[str, str]]:
    events = OutboxEvent.objects.filter(name__in=["session.held", "session.released"])
    mine = [one.payload for one in events.order_by("pk")]
    return [
        (name, one["hold"])
        for name, one in zip(
            events.order_by("pk").values_list("name", flat=True), mine, strict=True
        )
        if one["session_id"] == session.public_id
    ]


def test_an_ended_plan_holds_the_sessions_and_what_was_wanted_stays():
    session = make_session(status=SessionStatus.CONNECTED)
    end_plan(session.tenant)

    assert refresh(session.tenant) == 1

    session.refresh_from_db()
    assert (session.hold, session.desired) == (Hold.EXPIRED, DesiredState.RUNNING)
    assert session.status == SessionStatus.CONNECTED  # the runner closes it, then it is stopped
    assert told(session) == [("session.held", "EXPIRED")]


@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.DELETING])
def test_g12_a_suspended_tenants_sessions_are_held(status):
    session = make_session(status=SessionStatus.CONNECTED)
    suspend(session.tenant, status)

    assert refresh(session.tenant) == 1

    session.refresh_from_db()
    assert (session.hold, session.desired) == (Hold.SUSPENDED, DesiredState.RUNNING)


def test_holds_may_be_refreshed_again_without_effect():
    session = make_session(status=SessionStatus.CONNECTED)
    end_plan(session.tenant)
    refresh(session.tenant)

    assert refresh(session.tenant) == 0

    assert told(session) == [("session.held", "EXPIRED")]


def test_another_tenants_sessions_go_on():
    held, other = make_session(), make_session()
    end_plan(held.tenant)

    refresh(held.tenant)

    other.refresh_from_db()
    assert other.hold == ""


def test_a_renewal_brings_stopped_sessions_back_and_leaves_those_that_were_not_wanted():
    tenant = make_customer()
    running = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    resting = make_session(tenant=tenant, status=SessionStatus.STOPPED)
    end_plan(tenant)
    refresh(tenant)
    running.refresh_from_db()
    lifecycle.settle_stop(running, now=timezone.now(), reason="no plan runs", epoch=1)
    subscriptions.activate(tenant=tenant, plan=make_plan(), now=timezone.now())

    assert refresh(tenant) == 2

    running.refresh_from_db()
    resting.refresh_from_db()
    assert (running.hold, running.status) == ("", SessionStatus.STARTING)
    assert (resting.hold, resting.status) == ("", SessionStatus.STOPPED)
    assert told(running) == [("session.held", "EXPIRED"), ("session.released", "")]
    reasons = SessionTransition.objects.filter(session=running).order_by("pk")
    assert list(reasons.values_list("new", "reason")) == [
        ("STOPPED", "no plan runs"),
        ("STARTING", "the hold has ended"),
    ]


def test_a_session_that_its_runner_did_not_close_yet_just_goes_on_after_a_renewal():
    session = make_session(status=SessionStatus.CONNECTED)
    end_plan(session.tenant)
    refresh(session.tenant)
    subscriptions.activate(tenant=session.tenant, plan=make_plan(), now=timezone.now())

    refresh(session.tenant)

    session.refresh_from_db()
    assert (session.hold, session.status) == ("", SessionStatus.CONNECTED)


def test_a_held_session_that_stops_stays_stopped():
    session = make_session(status=SessionStatus.CONNECTED, hold=Hold.EXPIRED)

    lifecycle.settle_stop(session, now=timezone.now(), reason="no plan runs", epoch=1)

    session.refresh_from_db()
    assert session.status == SessionStatus.STOPPED


def test_a_ban_survives_a_hold_and_is_left_to_pass():
    session = make_session(status=SessionStatus.BANNED, hold=Hold.EXPIRED)

    refresh(session.tenant)

    session.refresh_from_db()
    assert (session.hold, session.status) == ("", SessionStatus.BANNED)


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_runner_takes_a_held_session_only_to_close_it(status):
    session = make_session(status=status, hold=Hold.SUSPENDED, jid="15550100001@s.whatsapp.net")

    assert claimable() == [session.pk]

    Session.objects.update(status=SessionStatus.STOPPED)
    assert claimable() == []


def test_a_ban_that_ends_during_a_hold_wakes_nobody():
    past = timezone.now()
    make_session(status=SessionStatus.BANNED, hold=Hold.EXPIRED, retry_at=past)

    assert claimable() == []


def test_a_held_session_is_prepared_but_not_started():
    session = make_session(
        status=SessionStatus.CREATED, desired=DesiredState.RUNNING, hold=Hold.SUSPENDED
    )

    provisioning._prepared(session, now=timezone.now())

    session.refresh_from_db()
    assert (session.status, session.desired) == (SessionStatus.STOPPED, DesiredState.RUNNING)


@pytest.mark.parametrize(
    ("end", "refusal"),
    [(end_plan, admission.NotEntitled), (suspend, admission.WorkspaceSuspended)],
)
def test_nobody_starts_a_session_without_a_plan_or_in_a_suspended_workspace(end, refusal):
    session = make_session(status=SessionStatus.STOPPED)
    end(session.tenant)

    with pytest.raises(refusal):
        lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.STOPPED, SessionStatus.STOPPED)


def test_a_start_after_the_renewal_does_not_wait_for_the_holds_to_be_refreshed():
    session = make_session(
        status=SessionStatus.STOPPED, desired=DesiredState.RUNNING, hold=Hold.EXPIRED
    )

    lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert (session.hold, session.status) == ("", SessionStatus.STARTING)


def test_a_held_session_does_not_reconnect():
    session = make_session(status=SessionStatus.CONNECTED, hold=Hold.EXPIRED)

    with pytest.raises(lifecycle.NotRunning):
        lifecycle.reconnect(session=session, now=timezone.now())


def test_a_held_session_can_be_deleted_and_its_place_is_free():
    tenant = make_customer()
    session = provisioning.create_session(tenant=tenant, now=timezone.now(), name="a")
    end_plan(tenant)
    refresh(tenant)

    provisioning.delete_session(session=session, now=timezone.now())

    assert claimable() == [session.pk]  # somebody has to forget its device
    assert QuotaUsage.objects.get(tenant=tenant, feature="SESSIONS").used == 0
    assert refresh(tenant) == 0


def test_a_tenant_that_is_gone_has_nothing_to_hold():
    assert holds.refresh(tenant_id=0, now=timezone.now()) == 0


@pytest.mark.parametrize(
    "name",
    [
        "subscription.expired",
        "subscription.cancelled",
        "subscription.suspended",
        "subscription.activated",
        "subscription.extended",
        "tenant.suspended",
        "tenant.resumed",
        "tenant.deletion_scheduled",
        "tenant.deletion_cancelled",
        "entitlements.changed",
    ],
)
def test_what_decides_about_holds_is_heard(name):
    assert subscribers.hold_or_release in handlers_of(name)


def test_an_expired_plan_holds_its_sessions_through_the_outbox(drain_outbox, monkeypatch):
    session = make_session(status=SessionStatus.CONNECTED)
    drain_outbox()
    monkeypatch.setattr(tasks.refresh_holds, "delay", tasks.refresh_holds.run)
    end_plan(session.tenant)
    lifecycle.report("subscription.expired", session)

    drain_outbox()

    session.refresh_from_db()
    assert session.hold == Hold.EXPIRED
