"""What becomes of the other rows when one of many is refused."""

import pytest
from django.db import IntegrityError, OperationalError

from accounts.models import Tenant
from subscriptions.api.internal import bulk
from subscriptions.models import EntitlementOverride
from subscriptions.services import contracts, partners, steps
from subscriptions.tests.internal import (
    Service,
    contract,
    key_opens,
    lines,
    send,
)

pytestmark = pytest.mark.django_db


def test_a_row_that_the_database_refuses_fails_alone(monkeypatch):
    whole = partners.upsert_many

    def refuse(*, promises, **rest):
        if any(promise.user_id == "cursed" for promise in promises):
            raise IntegrityError("a constraint's own words")
        return whole(promises=promises, **rest)

    monkeypatch.setattr(partners, "upsert_many", refuse)

    answers = lines(send(Service(), contract("a"), contract("cursed"), contract("b")))

    assert [row["status"] for row in answers] == ["created", "failed", "created"]
    assert answers[1]["detail"] == "This row can't be stored."
    assert Tenant.objects.count() == 2


def test_one_refused_row_costs_few_transactions_among_many_good_ones(monkeypatch):
    whole, calls = partners.upsert_many, []

    def refuse(*, promises, **rest):
        calls.append(len(promises))
        if any(promise.user_id == "u37" for promise in promises):
            raise IntegrityError("a constraint's own words")
        return whole(promises=promises, **rest)

    monkeypatch.setattr(partners, "upsert_many", refuse)

    answers = lines(send(Service(), *(contract(f"u{number}") for number in range(64))))

    assert [row["user_id"] for row in answers if row["status"] == "failed"] == ["u37"]
    assert Tenant.objects.count() == 63
    assert sorted(calls) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64]


def test_a_renewal_that_is_refused_fails_alone(monkeypatch):
    service = Service()
    send(service, *(contract(name) for name in ("a", "cursed", "b")))
    whole = contracts.set_many

    def refuse(*, contracts, **rest):
        renewed = whole(contracts=contracts, **rest)
        if any(contract.tenant.external_id == "cursed" for contract in contracts):
            raise steps.WrongStatus("Not now.")
        return renewed

    monkeypatch.setattr(contracts, "set_many", refuse)

    rows = [contract(name, max_sessions=9) for name in ("a", "cursed", "b")]
    answers = lines(send(service, *rows))

    assert [row["status"] for row in answers] == ["updated", "failed", "updated"]
    assert answers[1]["code"] == "subscription_wrong_status"
    changed = EntitlementOverride.objects.filter(limit=9).order_by("pk")
    assert [row.tenant.external_id for row in changed] == ["a", "b"]


def test_a_busy_database_is_told_per_row_so_that_no_key_of_another_batch_is_lost(monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    whole = partners.upsert_many

    def deadlock(*, promises, **rest):
        if promises[0].user_id == "b":
            raise OperationalError("deadlock detected")
        return whole(promises=promises, **rest)

    monkeypatch.setattr(partners, "upsert_many", deadlock)

    answers = lines(send(Service(), contract("a"), contract("b"), contract("c")))

    assert [row["status"] for row in answers] == ["created", "failed", "created"]
    assert answers[1]["code"] == "row_not_written"
    assert key_opens(answers[2]["api_key"]) == 200
