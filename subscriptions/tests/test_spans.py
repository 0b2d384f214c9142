"""What time alone makes of a subscription."""

from datetime import UTC, datetime, timedelta

import pytest

from subscriptions.spans import Span
from subscriptions.states import SubscriptionStatus

S = SubscriptionStatus
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MONTH, TICK = timedelta(days=1), timedelta(days=30), timedelta(microseconds=1)


def make_span(status: SubscriptionStatus = S.ACTIVE, **fields: object) -> Span:
    known = {
        "status": status,
        "ends_at": START + 3 * MONTH,
        "grace": 5 * DAY,
        "grace_ends_at": None,
        "cancel_at_end": False,
        "period_starts_at": START,
        "period_ends_at": START + MONTH,
        "period": MONTH,
    }
    return Span(**known | fields)


@pytest.mark.parametrize("status", [S.TRIALING, S.ACTIVE, S.PAST_DUE])
@pytest.mark.parametrize(
    ("after_the_end", "expected"),
    [
        (-TICK, None),
        (timedelta(0), S.GRACE),
        (5 * DAY - TICK, S.GRACE),
        (5 * DAY, S.EXPIRED),
        (500 * DAY, S.EXPIRED),
    ],
)
def test_what_is_paid_for_ends_in_a_grace_and_then_expires(status, after_the_end, expected):
    span = make_span(status)

    assert span.status_at(span.ends_at + after_the_end) == (expected or status)


def test_without_a_grace_it_expires_at_once():
    span = make_span(grace=timedelta(0))

    assert span.status_at(span.ends_at) == S.EXPIRED


def test_what_was_cancelled_has_no_grace():
    span = make_span(cancel_at_end=True)

    assert span.status_at(span.ends_at - TICK) == S.ACTIVE
    assert span.status_at(span.ends_at) == S.CANCELLED
    assert span.stops_at == span.ends_at


def test_a_grace_that_began_is_kept_when_the_plan_gives_a_shorter_one():
    promised = START + 3 * MONTH + 5 * DAY
    span = make_span(S.GRACE, grace=DAY, grace_ends_at=promised)

    assert span.status_at(promised - TICK) == S.GRACE
    assert span.status_at(promised) == S.EXPIRED


@pytest.mark.parametrize("status", [S.SUSPENDED, S.EXPIRED, S.CANCELLED])
def test_time_changes_nothing_about_what_does_not_run(status):
    assert make_span(status).status_at(START + 100 * MONTH) == status


@pytest.mark.parametrize(
    ("moment", "months"),
    [
        (timedelta(0), 0),
        (MONTH - TICK, 0),
        (MONTH, 1),
        (2 * MONTH - TICK, 1),
        (7 * MONTH + DAY, 7),
    ],
)
def test_a_usage_period_follows_another(moment, months):
    start, end = make_span().period_at(START + moment)

    assert (start, end) == (START + months * MONTH, START + (months + 1) * MONTH)


def test_a_plan_with_another_length_counts_from_the_end_of_the_present_period():
    start, end = make_span(period=7 * DAY).period_at(START + MONTH + 8 * DAY)

    assert (start, end) == (START + MONTH + 7 * DAY, START + MONTH + 14 * DAY)
