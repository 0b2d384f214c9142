"""`POST /internal/users/bulk`: many users, a line each."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, Tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import EntitlementOverride, Subscription, SubscriptionTransition
from subscriptions.services import partners
from subscriptions.services.partners import Promise
from subscriptions.tests.internal import (
    FUTURE,
    USERS,
    Service,
    contract,
    key_opens,
    lines,
    send,
)

pytestmark = pytest.mark.django_db
END = datetime(2099, 1, 1, tzinfo=UTC)


def test_every_row_gets_an_answer_in_its_place():
    service = Service()
    service.bring("known")

    response = send(
        service,
        contract("new"),
        contract("known", max_sessions=9),
        "not json",
        "",
        contract("bad", max_sessions="many"),
        contract("foreign", source="other"),
        "[]",
    )

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/x-ndjson"
    answers = lines(response)
    assert [(row["line"], row["user_id"], row["status"]) for row in answers] == [
        (1, "new", "created"),
        (2, "known", "updated"),
        (3, "", "failed"),
        (4, "bad", "failed"),
        (5, "foreign", "failed"),
        (6, "", "failed"),
    ]
    assert key_opens(answers[0]["api_key"]) == 200
    assert [row.get("code") for row in answers[2:]] == [
        "invalid_input",
        "invalid_input",
        "foreign_source",
        "invalid_input",
    ]
    assert list(answers[3]["fields"]) == ["max_sessions"]
    assert {row.external_id for row in Tenant.objects.all()} == {"known", "new"}
    assert service.get(f"{USERS}/known").json()["user"]["subscription"]["max_sessions"] == 9


def test_json_is_answered_to_who_asks_for_it():
    response = send(Service(), contract("new"), accept="application/json")

    assert [row["status"] for row in response.json()] == ["created"]


def test_a_user_named_twice_is_made_once_and_the_last_row_holds():
    service = Service()

    response = send(service, contract("a", max_sessions=2), contract("a", max_sessions=3))

    first, second = lines(response)
    assert (first["status"], second["status"]) == ("created", "updated")
    assert (first["api_key"] != "", second["api_key"]) == (True, "")
    assert service.get(f"{USERS}/a").json()["user"]["subscription"]["max_sessions"] == 3


def test_bulk_and_single_leave_the_same_traces():
    one, many = Service("one"), Service("many")
    one.bring("u", max_messages=7, provider="p", created_by="admin")
    send(many, contract("u", max_messages=7, provider="p", created_by="admin"))

    def traces(source):
        tenant = Tenant.objects.get(source=source)
        subscription = Subscription.objects.for_tenant(tenant).get()
        limits = EntitlementOverride.objects.for_tenant(tenant).order_by("feature")
        return {
            "tenant": (tenant.api_enabled, tenant.created_by, tenant.name),
            "status": (subscription.status, subscription.provider, subscription.ends_at),
            "limits": list(limits.values_list("feature", "limit")),
            "keys": list(ApiKey.objects.for_tenant(tenant).values_list("name", "scopes")),
            "audit": sorted(
                AuditEntry.objects.filter(tenant=tenant).values_list("action", flat=True)
            ),
            "events": sorted(
                OutboxEvent.objects.filter(tenant_id=tenant.pk).values_list("name", flat=True)
            ),
            "history": SubscriptionTransition.objects.filter(subscription=subscription).count(),
        }

    assert traces("one") == traces("many")
    assert traces("one")["events"] == ["subscription.activated", "tenant.created"]
    assert traces("one")["audit"] == [
        "api_key.issued",
        "subscription.activated",
        "tenant.created",
    ]


def test_a_hundred_new_users_cost_as_many_statements_as_one():
    service = Service()

    with CaptureQueriesContext(connection) as single:
        send(service, contract("first"))
    with CaptureQueriesContext(connection) as hundred:
        send(service, *(contract(f"u{number}") for number in range(100)))

    assert Tenant.objects.count() == 101
    assert len(hundred) <= len(single)


def test_a_hundred_renewals_cost_as_many_statements_as_one():
    service = Service()
    names = [f"u{number}" for number in range(100)]
    send(service, *(contract(name, expires_at="2098-01-01T00:00:00Z") for name in names))

    with CaptureQueriesContext(connection) as single:
        send(service, contract("u0", max_sessions=6))
    with CaptureQueriesContext(connection) as hundred:
        send(service, *(contract(name, max_sessions=7) for name in names))

    assert Subscription.objects.filter(ends_at=FUTURE).count() == 100
    assert len(hundred) <= len(single)


def test_rows_that_change_nothing_write_nothing():
    service = Service()
    rows = [contract(f"u{number}") for number in range(10)]
    send(service, *rows)
    before = OutboxEvent.objects.count(), AuditEntry.objects.count()

    with CaptureQueriesContext(connection) as queries:
        answers = lines(send(service, *rows))

    assert {row["status"] for row in answers} == {"updated"}
    assert (OutboxEvent.objects.count(), AuditEntry.objects.count()) == before
    assert not [query for query in queries if query["sql"].startswith("INSERT")]


def test_the_same_request_again_has_one_effect_and_shows_no_key_again():
    service = Service()

    first = send(service, contract("a"), **{"Idempotency-Key": "bulk-1"})
    again = send(service, contract("a"), **{"Idempotency-Key": "bulk-1"})

    assert lines(first)[0]["api_key"] != ""
    assert lines(again) == [lines(first)[0] | {"api_key": ""}]


@pytest.mark.parametrize(
    ("limit", "value", "status", "code"),
    [("MAX_ROWS", 2, 400, "too_many_rows"), ("MAX_BYTES", 200, 413, "body_too_large")],
)
def test_a_body_has_bounds(monkeypatch, limit, value, status, code):
    monkeypatch.setattr(f"orsta.core.api.ndjson.{limit}", value)

    response = send(Service(), *(contract(f"u{number}") for number in range(3)))

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not Tenant.objects.exists()


def test_another_media_type_is_refused():
    response = Service().post(f"{USERS}/bulk", contract("a"))

    assert response.status_code == 415


def test_a_customers_key_opens_no_bulk():
    key = Service().bring().json()["api_key"]
    service = Service()
    service.client.defaults.clear()

    assert (
        service.client.post(
            f"{USERS}/bulk",
            b"",
            content_type="application/x-ndjson",
            headers={"x-api-key": key},
        ).status_code
        == 401
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_bring_the_same_users_at_once_make_each_once(race):
    names = [f"u{number}" for number in range(30)]
    turns = iter([names, names[::-1]] * 4)

    def bring():
        promises = [Promise("app", name, END) for name in next(turns)]
        return partners.upsert_many(promises=promises, actor="svc", now=timezone.now())

    results = race(8, bring)

    assert [result for result in results if isinstance(result, Exception)] == []
    keys = [kept.api_key for result in results for kept in result if kept.api_key]
    assert (Tenant.objects.count(), ApiKey.objects.count(), len(keys)) == (30, 30, 30)
    assert Subscription.objects.count() == 30


def test_the_answer_shows_the_end_in_full():
    service = Service()
    send(service, contract("a"))

    assert service.get(f"{USERS}/a").json()["user"]["subscription"]["expires_at"] == FUTURE
