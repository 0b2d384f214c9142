"""Which engine a session gets, where it lives, and how it gets out."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app.models import Session
from sessions_app.services import placement, provisioning
from sessions_app.services.capabilities import CapabilityMissing
from sessions_app.states import GatewayState, Health, ProxyState, SessionStatus
from sessions_app.tests.factories import make_customer
from sessions_app.tests.fake_gateways import ENGINE, make_gateway, make_guest, make_proxy
from subscriptions import selectors as plans
from subscriptions.models import Plan, QuotaUsage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]


def create(tenant=None, **options):
    tenant = tenant or make_customer(max_sessions=100)
    return provisioning.create_session(
        tenant=tenant, now=timezone.now(), name="shop", **options
    )


def test_the_caller_chooses_the_engine_or_else_the_plan_or_else_the_service():
    tenant = make_customer()
    make_gateway()
    assert create(tenant).engine == "sandbox"

    Plan.objects.filter(subscriptions__tenant=tenant).update(engine=ENGINE)
    plans.forget([tenant.pk])

    assert create(tenant).engine == ENGINE
    assert create(tenant, engine="sandbox").engine == "sandbox"


def test_a_session_goes_to_the_gateway_with_the_most_room():
    crowded, roomy = make_gateway(capacity=5), make_gateway(capacity=4)
    for _ in range(2):
        make_guest(crowded)

    session = create(engine=ENGINE)

    assert session.gateway == roomy
    assert len(session.engine_secret) >= 43  # 256 bits


def test_what_a_gateway_has_to_forget_still_takes_its_place():
    gateway = make_gateway(capacity=1)
    guest = make_guest(gateway, status=SessionStatus.STOPPED, desired="DELETED")
    with pytest.raises(placement.NoGatewayCapacity):
        create(engine=ENGINE)

    guest.status = SessionStatus.DELETED
    guest.save()

    assert create(engine=ENGINE).gateway == gateway


@pytest.mark.parametrize(
    "gateway",
    [
        {"state": GatewayState.DRAINING},
        {"state": GatewayState.QUARANTINED},
        {"health": Health.DOWN},
        {"capacity": 0},
        {"engine": "wuzapi"},
    ],
)
def test_without_a_fitting_gateway_nothing_is_made(gateway):
    make_gateway(**gateway)
    tenant = make_customer()

    with pytest.raises(placement.NoGatewayCapacity):
        create(tenant, engine=ENGINE)

    assert not Session.objects.exists()
    assert not QuotaUsage.objects.for_tenant(tenant).filter(used__gt=0).exists()
    assert not OutboxEvent.objects.filter(name="session.created").exists()


@pytest.mark.django_db(transaction=True)
def test_sessions_that_are_made_at_once_never_overfill_a_gateway():
    first, second = make_gateway(capacity=7), make_gateway(capacity=5)
    # Of many tenants: those of one wait for each other at its quota.
    tenants = [make_customer(max_sessions=5) for _ in range(10)]

    def attempt(number: int) -> bool:
        try:
            create(tenants[number % 10], engine=ENGINE)
        except placement.NoGatewayCapacity:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(attempt, range(50)))

    assert sum(made) == 12
    assert [placement.used_by(gateway) for gateway in (first, second)] == [7, 5]


# -- proxies ------------------------------------------------------------------------------


def test_without_a_policy_sessions_connect_directly():
    make_gateway()
    make_proxy()

    assert create(engine=ENGINE).proxy is None
    with pytest.raises(placement.ProxiesNotOffered):
        create(engine=ENGINE, proxy_country="DE")


def test_a_session_gets_the_proxy_with_the_most_room(settings):
    settings.ORSTA_PROXY_POLICY = "available"
    gateway = make_gateway()
    crowded, roomy = make_proxy(capacity=3), make_proxy(capacity=2)
    make_guest(gateway, proxy=crowded)
    make_guest(gateway, proxy=crowded)

    assert create(engine=ENGINE).proxy == roomy


def test_a_session_gets_a_proxy_of_the_country_it_asked_for(settings):
    settings.ORSTA_PROXY_POLICY = "available"
    make_gateway()
    make_proxy(capacity=9)
    german = make_proxy(country="DE")

    assert create(engine=ENGINE, proxy_country="de").proxy == german
    with pytest.raises(placement.NoProxyAvailable):
        create(engine=ENGINE, proxy_country="FR")


@pytest.mark.parametrize(
    "proxy", [{"state": ProxyState.DISABLED}, {"health": Health.DOWN}, {"capacity": 0}]
)
def test_only_the_policy_says_whether_a_session_may_go_without(settings, proxy):
    make_gateway()
    make_proxy(**proxy)

    settings.ORSTA_PROXY_POLICY = "available"
    assert create(engine=ENGINE).proxy is None
    settings.ORSTA_PROXY_POLICY = "required"
    with pytest.raises(placement.NoProxyAvailable):
        create(engine=ENGINE)


def test_an_engine_that_knows_no_proxies_is_named():
    with pytest.raises(CapabilityMissing) as refused:
        create(engine="sandbox", proxy_country="DE")

    assert refused.value.details["capability"] == "per_session_proxy"
