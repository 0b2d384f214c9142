"""What was used on which day."""

from datetime import UTC, date, timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.tests.factories import make_tenant
from subscriptions import charts, selectors, tasks
from subscriptions.models import Feature, UsageDay
from subscriptions.services import quotas, usage
from subscriptions.tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SESSIONS, MESSAGES = Feature.SESSIONS, Feature.MESSAGES
make_subscriber = partial(factories.make_subscriber, now=NOW)


def test_a_day_knows_the_sum_of_messages_and_the_peak_of_sessions():
    tenant = make_subscriber(MESSAGES=100)
    today = NOW.astimezone(UTC).date()

    for _ in range(3):
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)
    quotas.give_back(tenant=tenant, feature=SESSIONS, amount=2, taken_at=None)
    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=7, now=NOW)
    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=2, now=NOW)
    quotas.give_back(tenant=tenant, feature=MESSAGES, amount=1, taken_at=NOW)
    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=5, now=NOW + timedelta(days=1))

    assert sorted(UsageDay.objects.values_list("feature", "day", "used")) == [
        ("MESSAGES", today, 8),
        ("MESSAGES", today + timedelta(days=1), 5),
        ("SESSIONS", today, 3),
    ]


def test_a_quiet_day_still_has_its_sessions():
    make_subscriber(used=2)
    tomorrow = NOW + timedelta(days=1)

    assert usage.note_gauges(now=tomorrow) == 1
    assert usage.note_gauges(now=tomorrow) == 0

    assert UsageDay.objects.get(day=tomorrow.astimezone(UTC).date()).used == 2


def test_the_task_notes_gauges():
    make_subscriber(used=2)
    UsageDay.objects.all().delete()

    tasks.note_gauges(unknown_keyword=True)

    assert UsageDay.objects.get().used == 2


def test_days_without_a_row_are_zero():
    tenant, until = make_subscriber(), NOW.astimezone(UTC).date()
    UsageDay.objects.create(
        tenant=tenant, feature=MESSAGES, day=until - timedelta(days=1), used=4
    )
    UsageDay.objects.create(tenant=make_tenant(), feature=MESSAGES, day=until, used=9)

    days = selectors.usage_by_day(tenant=tenant, feature=MESSAGES, until=until, days=3)

    assert [day.used for day in days] == [0, 4, 0]
    assert days[-1].day == until


def test_the_highest_bar_fills_the_chart():
    chart = charts.chart_of([(date(2026, 1, 1), 5), (date(2026, 1, 2), 10)])

    assert [(bar.x, bar.y, bar.height) for bar in chart.bars] == [(0, 50, 50), (12, 0, 100)]
    assert (chart.peak, chart.total, chart.width) == (10, 15, 21)


def test_an_empty_chart_has_flat_bars():
    chart = charts.chart_of([(date(2026, 1, 1), 0)])

    assert (chart.peak, chart.bars[0].height) == (0, 0)
