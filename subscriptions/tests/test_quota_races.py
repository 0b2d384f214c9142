"""What a plan limits is counted right by a hundred at once."""

from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import NO_PERIOD, Feature, QuotaUsage, UsageDay
from subscriptions.services import quotas
from subscriptions.tests import factories
from subscriptions.tests.waiting import start_waiting

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
SESSIONS, MESSAGES = Feature.SESSIONS, Feature.MESSAGES
make_subscriber = partial(factories.make_subscriber, now=NOW)


@pytest.mark.parametrize("taken", [0, 4])
@pytest.mark.parametrize(("feature", "limit"), [(SESSIONS, 11), (MESSAGES, 11)])
def test_a_hundred_at_once_get_exactly_what_is_left(race, feature, limit, taken):
    tenant = make_subscriber(**{feature.value: limit})
    if taken:
        quotas.reserve(tenant=tenant, feature=feature, amount=taken, now=NOW)

    results = race(100, lambda: quotas.reserve(tenant=tenant, feature=feature, now=NOW))

    assert results.count(None) == limit - taken
    refused = [result for result in results if result is not None]
    assert {type(error).__base__ for error in refused} == {quotas.QuotaExceeded}
    assert QuotaUsage.objects.get(feature=feature).used == limit
    warnings = OutboxEvent.objects.filter(name="quota.warning", payload__level=100)
    assert warnings.count() == 1


def test_fifty_at_once_give_back_no_more_than_there_is(race):
    tenant = make_subscriber(used=3)

    results = race(
        50, lambda: quotas.give_back(tenant=tenant, feature=SESSIONS, amount=1, taken_at=None)
    )

    assert results == [None] * 50
    assert QuotaUsage.objects.get(period_starts_at=NO_PERIOD).used == 0


def test_who_gives_back_locks_the_count_first_as_who_reserves_does():
    tenant = make_subscriber(MESSAGES=10, used=4)

    def give_back() -> None:
        quotas.give_back(tenant=tenant, feature=MESSAGES, amount=1, taken_at=NOW)

    with transaction.atomic():
        QuotaUsage.objects.select_for_update().get()
        waiting = start_waiting(give_back)
        # The day is free: a reservation, which holds the count, gets it next.
        UsageDay.objects.select_for_update(nowait=True).get()

    waiting.result()
    assert (QuotaUsage.objects.get().used, UsageDay.objects.get().used) == (3, 3)
