"""What staff do to gateways, and what becomes of the sessions in them."""

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from sessions_app import tasks
from sessions_app.models import Gateway
from sessions_app.services import gateways, outages, placement, provisioning
from sessions_app.states import DesiredState, GatewayState, SessionStatus
from sessions_app.tests.factories import end_plan
from sessions_app.tests.fake_gateways import make_gateway, make_guest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]
S = SessionStatus
NOW = timezone.now()
BY = {"actor": "usr_staff", "reason": "maintenance"}


def put(gateway: Gateway, state: GatewayState) -> None:
    gateways.set_state(gateway=gateway, state=state, now=timezone.now(), **BY)
    gateway.refresh_from_db()


def follow(gateway: Gateway) -> bool:
    return outages.follow_gateway(gateway_id=gateway.public_id, now=timezone.now())


def test_quarantine_ends_the_runs_with_a_reason_and_lifting_it_resumes_them():
    gateway = make_gateway()
    live = make_guest(gateway, status=S.CONNECTED)
    rests = make_guest(gateway, status=S.STOPPED)

    put(gateway, GatewayState.QUARANTINED)
    follow(gateway)
    live.refresh_from_db()
    assert (live.status, live.reason_code) == (S.FAULTED, "gateway_quarantined")

    put(gateway, GatewayState.ACTIVE)
    follow(gateway)
    live.refresh_from_db()
    rests.refresh_from_db()
    assert (live.status, live.desired) == (S.STARTING, DesiredState.RUNNING)
    assert (rests.status, rests.desired) == (S.STOPPED, DesiredState.STOPPED)


def test_a_session_that_may_not_start_any_more_is_left_to_its_owner():
    gateway = make_gateway()
    session = make_guest(gateway, status=S.CONNECTED)
    put(gateway, GatewayState.QUARANTINED)
    follow(gateway)
    end_plan(session.tenant)
    put(gateway, GatewayState.ACTIVE)

    assert follow(gateway) is False

    session.refresh_from_db()
    assert (session.status, session.reason_code) == (S.FAULTED, "")


def test_the_outbox_carries_a_state_to_the_sessions(drain_outbox, monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks.follow_gateway, "delay", lambda **given: enqueued.append(given))
    gateway = make_gateway()

    put(gateway, GatewayState.QUARANTINED)
    drain_outbox()

    assert enqueued == [{"gateway_id": gateway.public_id}]


def test_every_step_is_audited_with_its_reason_and_none_is_done_twice():
    gateway = make_gateway()
    put(gateway, GatewayState.DRAINING)

    with pytest.raises(gateways.StateUnchanged):
        put(gateway, GatewayState.DRAINING)

    (entry,) = AuditEntry.objects.filter(action="gateway.drained")
    assert (entry.target, entry.reason) == (gateway.public_id, "maintenance")
    assert (entry.before, entry.after) == ({"state": "ACTIVE"}, {"state": "DRAINING"})


def test_rebalancing_moves_what_has_no_device_and_rests():
    crowded, roomy = make_gateway(), make_gateway(capacity=2)
    free = [make_guest(crowded, status=S.PAIRING_EXPIRED) for _ in range(3)]
    paired = make_guest(crowded, status=S.STOPPED, jid="1@s.whatsapp.net")
    pairing = make_guest(crowded, status=S.PAIRING)

    done = gateways.rebalance(gateway=crowded, now=NOW, **BY)

    assert done == gateways.Rebalanced(moved=2, bound=3)
    for session in (*free, paired, pairing):
        session.refresh_from_db()
    assert [session.gateway for session in free] == [roomy, roomy, crowded]
    assert free[0].provisioned_at is None
    assert (paired.gateway, pairing.gateway) == (crowded, crowded)


def test_rebalancing_without_room_says_so():
    gateway = make_gateway()
    make_guest(gateway, status=S.PAIRING_EXPIRED)

    with pytest.raises(placement.NoGatewayCapacity):
        gateways.rebalance(gateway=gateway, now=NOW, **BY)

    assert not AuditEntry.objects.filter(action="gateway.rebalanced").exists()


def test_a_paired_session_moves_on_demand_and_pairs_anew(gateway_engine):
    old, new = make_gateway(), make_gateway()
    session = make_guest(old, status=S.STOPPED, jid="1@s.whatsapp.net")

    assert gateways.move(session=session, now=NOW, **BY) == new

    session.refresh_from_db()
    assert (session.gateway, session.status, session.jid) == (new, S.LOGGED_OUT, "")
    provisioning.provision(session_id=session.pk, now=timezone.now())
    gateways.clear_place(session_id=session.public_id, gateway_id=old.public_id)
    assert [ref.gateway.address for ref in gateway_engine.provisioned] == [new.address]
    assert [ref.gateway.address for ref in gateway_engine.purged] == [old.address]


def test_a_gateway_that_has_the_session_again_is_not_cleared(gateway_engine):
    session = make_guest(make_gateway())

    gateways.clear_place(session_id=session.public_id, gateway_id=session.gateway.public_id)

    assert gateway_engine.purged == []


def test_a_session_that_runs_is_not_moved():
    make_gateway()
    session = make_guest(make_gateway(), status=S.CONNECTED)

    with pytest.raises(gateways.NotMovable):
        gateways.move(session=session, now=NOW, **BY)


def test_a_gateway_goes_once_it_holds_no_session():
    gateway = make_gateway()
    session = make_guest(gateway, status=S.STOPPED)
    with pytest.raises(gateways.GatewayInUse):
        gateways.delete(gateway=gateway, now=NOW, **BY)

    session.status = S.DELETED
    session.save()
    gateways.delete(gateway=gateway, now=NOW, **BY)

    assert not Gateway.objects.exists()
    session.refresh_from_db()
    assert session.gateway is None


def test_a_quarantined_gateway_prepares_nothing():
    gateway = make_gateway(state=GatewayState.QUARANTINED)
    session = make_guest(gateway, status=S.CREATED)

    tasks.provision_session(session_id=session.pk)

    session.refresh_from_db()
    assert (session.status, session.reason_code) == (S.FAULTED, "gateway_quarantined")


def test_a_move_during_the_preparation_asks_for_another_one(gateway_engine, monkeypatch):
    left, other = make_gateway(), make_gateway()
    session = make_guest(left, status=S.CREATED, desired=DesiredState.RUNNING)
    prepare = gateway_engine.provision

    def slowly(ref):
        prepare(ref)
        if ref.gateway.address == left.address:
            gateways.move(session=session, now=timezone.now(), **BY)

    monkeypatch.setattr(gateway_engine, "provision", slowly)

    provisioning.provision(session_id=session.pk, now=timezone.now())
    session.refresh_from_db()
    assert (session.gateway, session.status) == (other, S.CREATED)
    assert session.provisioned_at is None

    provisioning.provision(session_id=session.pk, now=timezone.now())
    session.refresh_from_db()
    assert session.status == S.STARTING
    places = [ref.gateway.address for ref in gateway_engine.provisioned]
    assert places == [left.address, other.address]
