"""Creating, changing, deleting and preparing sessions."""

import pytest
from django.utils import timezone

from orsta.core import errors
from orsta.core.outbox.models import OutboxEvent
from sessions_app import selectors, tasks
from sessions_app.engines import registry
from sessions_app.models import Lease, Session
from sessions_app.services import provisioning
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session
from subscriptions.services import quotas

pytestmark = pytest.mark.django_db


def create(tenant, **options):
    return provisioning.create_session(
        tenant=tenant, now=timezone.now(), name="shop", **options
    )


def test_a_new_session_is_wanted_and_waits_for_its_engine():
    session = create(make_customer())

    assert (session.desired, session.status) == (DesiredState.RUNNING, SessionStatus.CREATED)
    assert session.engine == "sandbox"
    assert Lease.objects.filter(session=session, owner="").exists()
    assert OutboxEvent.objects.filter(name="session.created").count() == 1


def test_a_session_that_shall_not_connect_rests_after_its_preparation():
    session = create(make_customer(), auto_connect=False)

    provisioning.provision(session_id=session.pk, now=timezone.now())

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.STOPPED, SessionStatus.STOPPED)


def test_preparation_makes_it_ready_for_a_runner_once():
    session = create(make_customer())

    for _ in range(2):
        provisioning.provision(session_id=session.pk, now=timezone.now())

    session.refresh_from_db()
    assert session.status == SessionStatus.STARTING
    assert session.provisioned_at is not None
    assert session.transitions.count() == 1


def test_the_outbox_enqueues_the_preparation(drain_outbox, monkeypatch):
    enqueued = []
    monkeypatch.setattr(
        tasks.provision_session, "apply_async", lambda *a, **k: enqueued.append((a, k))
    )
    session = create(make_customer())

    drain_outbox()

    assert str(session.pk) in str(enqueued)


def test_the_plan_limits_sessions():
    tenant = make_customer(max_sessions=1)
    create(tenant)

    with pytest.raises(quotas.SessionLimitReached):
        create(tenant)

    assert selectors.sessions_of(tenant).count() == 1


def test_a_deleted_session_frees_its_place_at_once():
    tenant = make_customer(max_sessions=1)
    session = create(tenant)

    provisioning.delete_session(session=session, now=timezone.now())

    assert create(tenant).pk != session.pk
    with pytest.raises(selectors.SessionNotFound):
        selectors.session_of(tenant, session.public_id)


def test_a_session_is_deleted_once():
    tenant = make_customer(max_sessions=2)
    session, kept = create(tenant), create(tenant)
    provisioning.delete_session(session=session, now=timezone.now())

    with pytest.raises(errors.Missing):
        provisioning.delete_session(session=session, now=timezone.now())

    assert list(selectors.sessions_of(tenant)) == [kept]
    create(tenant)
    with pytest.raises(quotas.SessionLimitReached):
        create(tenant)


def test_an_unknown_engine_is_refused_and_costs_no_place():
    tenant = make_customer(max_sessions=1)

    with pytest.raises(provisioning.UnknownEngine):
        create(tenant, engine="telepathy")

    assert create(tenant).pk


def test_settings_change_and_status_can_not():
    session = make_session()

    provisioning.update_session(session=session, now=timezone.now(), name="new", webhook_url="")
    with pytest.raises(TypeError):
        provisioning.update_session(session=session, now=timezone.now(), status="CONNECTED")

    session.refresh_from_db()
    assert (session.name, session.status) == ("new", SessionStatus.STOPPED)


def test_g9_an_engine_that_refuses_leaves_a_reason(settings):
    registry.configure({"sandbox": {"dsn": "host=127.0.0.1 port=1 connect_timeout=1"}})
    session = create(make_customer())
    try:
        tasks.provision_session.apply(kwargs={"session_id": session.pk}, retries=5)
    finally:
        _restore_registry()

    session.refresh_from_db()
    assert (session.status, session.desired) == (SessionStatus.FAULTED, DesiredState.STOPPED)
    assert session.reason


def test_a_lost_preparation_is_enqueued_again(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks.provision_session, "delay", lambda **k: enqueued.append(k))
    lost, fresh = create(make_customer()), create(make_customer())
    Session.objects.filter(pk=lost.pk).update(
        created_at=timezone.now() - tasks._RESUME_AFTER * 2
    )

    tasks.resume_provisioning()

    assert enqueued == [{"session_id": lost.pk}]
    assert fresh.provisioned_at is None


def test_a_lost_preparation_elsewhere_is_enqueued_again(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks.provision_session, "delay", lambda **k: enqueued.append(k))
    long_ago = timezone.now() - tasks._RESUME_AFTER * 2
    wanted, resting, fresh = (
        make_session(status=SessionStatus.LOGGED_OUT, provisioned_at=None, desired=desired)
        for desired in (DesiredState.RUNNING, DesiredState.STOPPED, DesiredState.RUNNING)
    )
    Session.objects.update(created_at=long_ago)
    Session.objects.exclude(pk=fresh.pk).update(updated_at=long_ago)

    tasks.resume_provisioning()

    assert enqueued == [{"session_id": wanted.pk}]
    assert resting.provisioned_at is None


@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_requests_admit_exactly_what_is_left(race):
    tenant = make_customer(max_sessions=7)

    results = race(50, lambda: create(tenant))

    made = [result for result in results if isinstance(result, Session)]
    refused = [r for r in results if isinstance(r, quotas.SessionLimitReached)]
    assert (len(made), len(refused)) == (7, 43)
    assert selectors.sessions_of(tenant).count() == 7


def _restore_registry():
    from sessions_app import wiring

    registry.configure(wiring.engine_options())
