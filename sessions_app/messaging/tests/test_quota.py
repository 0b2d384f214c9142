"""Messages count against the plan when they are accepted; what fails for good is given back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.messaging.models import Message
from sessions_app.messaging.services import outcomes, receipts, sending
from sessions_app.messaging.services.sending import Draft
from sessions_app.messaging.tests.factories import ADA, receipt
from sessions_app.models import Command
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import end_plan, make_customer, make_session
from subscriptions.models import QuotaUsage, UsageDay
from subscriptions.services import quotas

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(tenant=make_customer(messages=5), status=SessionStatus.CONNECTED)


def accept(session, count=1):
    drafts = [Draft(ADA, "hello")] * count
    return sending.accept_messages(session=session, drafts=drafts, now=timezone.now())


def used(tenant):
    rows = QuotaUsage.objects.filter(tenant=tenant, feature="MESSAGES")
    return list(rows.values_list("used", flat=True))


def test_accepted_messages_are_taken_from_the_plan(session):
    accept(session, 3)

    assert used(session.tenant) == [3]


def test_a_batch_that_is_more_than_what_is_left_is_refused_whole(session):
    accept(session, 3)

    with pytest.raises(quotas.QuotaExceeded) as refusal:
        accept(session, 3)

    assert refusal.value.code == "message_quota_exceeded"
    assert (refusal.value.details["limit"], refusal.value.details["used"]) == (5, 3)
    assert used(session.tenant) == [3]
    assert Message.objects.count() == Command.objects.count() == 3


def test_all_sessions_of_a_tenant_share_the_plan(session):
    other = make_session(tenant=session.tenant, status=SessionStatus.CONNECTED)
    accept(session, 3)

    with pytest.raises(quotas.QuotaExceeded):
        accept(other, 3)


def test_what_is_refused_for_another_reason_costs_nothing(session):
    with pytest.raises(sending.InvalidText):
        sending.accept_messages(
            session=session, drafts=[Draft(ADA, "hi"), Draft(ADA, " ")], now=timezone.now()
        )

    assert used(session.tenant) == []


def test_a_failure_for_good_is_given_back_once(session):
    first, _ = accept(session, 2)
    failure = outcomes.Failed(first.public_id, "no such number")

    for _ in range(2):
        outcomes.record(outcomes=[failure], now=timezone.now())

    assert used(session.tenant) == [1]
    assert UsageDay.objects.get(tenant=session.tenant, feature="MESSAGES").used == 1


def test_an_unknown_outcome_is_not_given_back(session):
    (message,) = accept(session)

    outcomes.record(outcomes=[outcomes.Unknown(message.public_id, "?")], now=timezone.now())

    assert used(session.tenant) == [1]


def test_what_failed_and_was_delivered_in_the_same_batch_is_paid_for(session):
    (message,) = accept(session)
    outcomes.record(outcomes=[outcomes.Unknown(message.public_id, "?")], now=timezone.now())

    receipts.apply(receipts=[(session, receipt(message, kind="delivered"))], now=timezone.now())

    assert used(session.tenant) == [1]


def test_a_late_failure_goes_back_to_the_period_it_was_taken_from(session):
    tenant, now = session.tenant, timezone.now()
    (old,) = accept(session)
    Message.objects.update(created_at=now - timedelta(days=31))
    QuotaUsage.objects.update(period_starts_at=now - timedelta(days=40))
    accept(session)

    outcomes.record(outcomes=[outcomes.Failed(old.public_id, "no")], now=now)

    periods = QuotaUsage.objects.filter(tenant=tenant, feature="MESSAGES")
    assert list(periods.order_by("period_starts_at").values_list("used", flat=True)) == [0, 1]


def test_failures_of_several_tenants_go_back_to_each(session):
    other = make_session(tenant=make_customer(messages=5), status=SessionStatus.CONNECTED)
    mine, theirs = accept(session, 3), accept(other, 2)

    outcomes.record(
        outcomes=[outcomes.Failed(one.public_id, "no") for one in [*mine, theirs[0]]],
        now=timezone.now(),
    )

    assert (used(session.tenant), used(other.tenant)) == ([0], [1])


def test_a_held_session_says_so_before_it_counts_anything(session):
    session.hold = "EXPIRED"
    session.save(update_fields=["hold"])

    with pytest.raises(sending.SessionNotReady, match="No plan runs"):
        accept(session)

    assert used(session.tenant) == []


def test_g12_without_a_plan_nothing_is_sent(session):
    end_plan(session.tenant)

    with pytest.raises(quotas.QuotaExceeded):
        accept(session)

    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_sends_at_the_edge_admit_exactly_what_is_left(race):
    session = make_session(tenant=make_customer(messages=5), status=SessionStatus.CONNECTED)

    results = race(20, lambda: accept(session))

    refused = [one for one in results if isinstance(one, quotas.QuotaExceeded)]
    assert (len(results) - len(refused), len(refused)) == (5, 15)
    assert Message.objects.count() == 5
    assert used(session.tenant) == [5]
