"""What crosses the apps: money opens the API, the plan limits it, its end closes it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import PASSWORD
from billing.models import LedgerEntry, Payment
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import Subscription
from subscriptions.services import lifecycle
from subscriptions.tests.factories import make_plan

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def customer():
    """Return what a program gets from `/auth/signup`: the token and the key, still off."""
    make_plan(SESSIONS=2)
    person = {"username": "alice", "email": "alice@example.com", "password": PASSWORD}
    return Client().post("/auth/signup", person, content_type=JSON).json()


@pytest.fixture
def person(customer):
    return Client(headers={"authorization": f"Bearer {customer['token']}"})


@pytest.fixture
def program(customer):
    return Client(headers={"x-api-key": customer["eakey"]})


def create(program: Client, name: str) -> tuple[int, dict]:
    response = program.post("/v1/sessions", {"session_name": name}, content_type=JSON)
    return response.status_code, response.json()


def names() -> list[str]:
    return list(OutboxEvent.objects.order_by("pk").values_list("name", flat=True))


def test_money_opens_the_api_and_the_plan_limits_it(person, program):
    assert create(program, "early")[1]["code"] == "api_key_inactive"

    paid = person.post("/billing/enable-api-key", {"amount": 9.99}, content_type=JSON)
    assert (paid.status_code, paid.json()["amount_charged_minor"]) == (200, 999)

    assert [create(program, f"session {n}")[0] for n in (1, 2)] == [201, 201]
    status, refusal = create(program, "one too many")
    assert (status, refusal["code"]) == (403, "session_limit_reached")
    assert (refusal["limit"], refusal["used"]) == (2, 2)
    assert sorted(names()) == [
        "api_key.activated",
        "mail.queued",
        "payment.succeeded",
        "quota.warning",
        "session.created",
        "session.created",
        "subscription.activated",
        "tenant.created",
    ]


def test_a_declined_payment_opens_nothing(person, program):
    declined = person.post(
        "/billing/enable-api-key", {"payment_method": "tok_declined"}, content_type=JSON
    )

    assert declined.status_code == 402
    assert create(program, "early")[0] == 401
    assert Payment.objects.get().status == "FAILED"
    assert not LedgerEntry.objects.exists()
    assert not Subscription.objects.exists()


def test_a_deleted_session_makes_room_for_another(person, program):
    person.post("/billing/enable-api-key", {}, content_type=JSON)
    first = create(program, "first")[1]["session"]["id"]
    create(program, "second")
    assert create(program, "third")[0] == 403

    assert program.delete(f"/v1/sessions/{first}").status_code == 200

    assert create(program, "third")[0] == 201


def test_the_end_of_the_period_stops_what_needs_it(person, program, drain_outbox):
    person.post("/billing/enable-api-key", {}, content_type=JSON)
    session = create(program, "shop")[1]["session"]["id"]
    subscription = Subscription.objects.get()

    lifecycle.advance(now=subscription.ends_at + timedelta(seconds=1))
    drain_outbox()

    assert "subscription.expired" in names()
    again = program.post(f"/v1/sessions/{session}/start", {}, content_type=JSON)
    assert (again.status_code, again.json()["code"]) == (403, "subscription_required")
    assert create(program, "another")[0] == 403


def test_the_sequence_a_client_sees_starts_at_one_and_has_no_gaps(
    person, program, drain_outbox
):
    person.post("/billing/enable-api-key", {}, content_type=JSON)
    create(program, "shop")

    drain_outbox()

    theirs = OutboxEvent.objects.filter(tenant_id__isnull=False)
    seqs = list(theirs.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    assert theirs.filter(dispatched_at__lte=timezone.now()).count() == len(seqs)
