"""The admin's front page: what needs somebody, four numbers, two charts; from selectors."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.cache import caches
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from billing import money
from billing import selectors as billing
from orsta.backoffice import attention
from orsta.core.observability.health import MAX_OUTBOX_LAG
from orsta.core.outbox import selectors as outbox
from sessions_app import selectors as sessions
from sessions_app.messaging import selectors as messaging
from sessions_app.messaging.states import Direction
from sessions_app.states import SessionStatus
from subscriptions import selectors as subscriptions

RANGES = (7, 30)  # days
PAST_FRESH_FOR = timedelta(hours=1)  # days that are over hardly change
_TICKS = "#8a9a92"  # readable on white and on black

Daily = list[tuple[date, str, int]]
Read = Callable[..., Daily]


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number, what it is made of, and where to read on."""

    title: str
    value: str
    detail: str
    href: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One colored row of numbers in a chart."""

    label: str
    values: list[float]
    color: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars per day; `data` and `options` are what Chart.js takes, as JSON."""

    title: str
    labels: list[str]
    series: list[Series]
    stacked: bool = False

    @property
    def data(self) -> str:
        """Return the bars."""
        bars = [
            {"label": row.label, "data": row.values, "backgroundColor": row.color}
            | {"borderRadius": 3, "maxBarThickness": 28}
            for row in self.series
        ]
        return json.dumps({"labels": self.labels, "datasets": bars})

    @property
    def options(self) -> str:
        """Return the look; Unfold's default hides the axis and the legend."""
        ticks = {"color": _TICKS, "maxRotation": 0, "autoSkipPadding": 12}
        axes = {
            "x": {"stacked": self.stacked, "grid": {"display": False}, "ticks": ticks},
            "y": {
                "stacked": self.stacked,
                "beginAtZero": True,
                "border": {"display": False},
                "ticks": ticks | {"precision": 0, "maxTicksLimit": 6},
            },
        }
        legend = {
            "position": "bottom",
            "labels": {"color": _TICKS, "boxWidth": 10, "boxHeight": 10},
        }
        plugins = {"legend": legend, "tooltip": {"mode": "index", "intersect": False}}
        return json.dumps(
            {
                "maintainAspectRatio": False,
                "animation": False,
                "scales": axes,
                "plugins": plugins,
            }
        )

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to draw."""
        return not any(any(row.values) for row in self.series)

    @property
    def rows(self) -> list[tuple[str, list[float]]]:
        """Return the same numbers as a table, for those who cannot see a canvas."""
        columns = [row.values for row in self.series]
        return [
            (label, list(values)) for label, *values in zip(self.labels, *columns, strict=True)
        ]


def add_to(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows to its template context."""
    now = timezone.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, RANGES) else RANGES[0]
    sees_money = request.user.has_perm("billing.view_ledgerentry")
    counts = sessions.count_by_status()
    kpis = [_connected(counts), _messages_today(now), _outbox(now)]
    charts = [_messages_chart(now, days)]
    if sees_money:
        kpis.insert(2, _revenue_this_month(now))
        charts.append(_revenue_chart(now, days))
    return context | {
        "title": "Dashboard",
        "attention": attention.items(request, now=now),
        "kpis": kpis,
        "charts": charts,
        "days": days,
        "ranges": RANGES,
        "nothing_yet": not counts,
    }


def _connected(counts: dict[str, int]) -> Kpi:
    connected, total = counts.get(SessionStatus.CONNECTED, 0), sum(counts.values())
    waiting = counts.get(SessionStatus.PAIRING, 0)
    return Kpi(
        "Connected sessions",
        f"{connected:,}",
        f"of {total:,}, {waiting:,} waiting for a scan",
        reverse("admin:sessions_app_session_changelist"),
    )


def _messages_today(now: datetime) -> Kpi:
    today = messaging.volume_by_day(since=_midnight(now.date()), until=now)
    sums = {direction: count for _, direction, count in today}
    inbound, outbound = sums.get(Direction.INBOUND, 0), sums.get(Direction.OUTBOUND, 0)
    return Kpi(
        "Messages today",
        f"{inbound + outbound:,}",
        f"{inbound:,} in, {outbound:,} out",
        reverse("admin:messaging_message_changelist"),
    )


def _revenue_this_month(now: datetime) -> Kpi:
    sums = billing.revenue_total(since=_midnight(now.date().replace(day=1)))
    amounts = [money.render(minor, currency) for currency, minor in sums.items()]
    return Kpi(
        "Revenue this month",
        " · ".join(amounts) or "0",
        f"{subscriptions.active_count():,} running subscriptions",
        reverse("admin:billing_payment_changelist"),
    )


def _outbox(now: datetime) -> Kpi:
    backlog = outbox.backlog(now=now)
    return Kpi(
        "Outbox lag",
        f"{int(backlog.lag.total_seconds()):,} s",
        f"{backlog.pending:,} waiting, {backlog.parked:,} parked",
        reverse("admin:outbox_outboxevent_changelist"),
        alarm=backlog.parked > 0 or backlog.lag > MAX_OUTBOX_LAG,
    )


def _messages_chart(now: datetime, days: int) -> Chart:
    daily = _daily("messages", messaging.volume_by_day, now=now, days=days)
    return Chart(
        title="Messages per day",
        labels=_labels(now, days),
        series=[
            Series("In", _row(daily, Direction.INBOUND, now, days), "var(--color-primary-500)"),
            Series("Out", _row(daily, Direction.OUTBOUND, now, days), "var(--color-base-400)"),
        ],
        stacked=True,
    )


def _revenue_chart(now: datetime, days: int) -> Chart:
    daily = [
        (day, currency, money.to_major(minor, currency))
        for day, currency, minor in _daily(
            "revenue", billing.revenue_by_day, now=now, days=days
        )
    ]
    colors = ["var(--color-primary-500)", "var(--color-base-400)", "var(--color-primary-800)"]
    currencies = sorted({currency for _, currency, _ in daily})
    series = [
        Series(currency, _row(daily, currency, now, days), colors[number % len(colors)])
        for number, currency in enumerate(currencies)
    ]
    return Chart(title="Revenue per day", labels=_labels(now, days), series=series)


def _daily(name: str, read: Read, *, now: datetime, days: int) -> Daily:
    """Read the days that are over at most once an hour, and today as it is."""
    today = _midnight(now.date())
    past = caches["process"].get_or_set(
        f"dashboard:{name}:{today.date()}:{days}",
        lambda: read(since=today - timedelta(days=days - 1), until=today),
        int(PAST_FRESH_FOR.total_seconds()),
    )
    return [*(past or []), *read(since=today, until=now)]


def _row(
    daily: list[tuple[date, str, Any]], kind: str, now: datetime, days: int
) -> list[float]:
    found = {day: value for day, of_kind, value in daily if of_kind == kind}
    return [found.get(day, 0) for day in _days(now, days)]


def _labels(now: datetime, days: int) -> list[str]:
    return [f"{day:%b} {day.day}" for day in _days(now, days)]


def _days(now: datetime, days: int) -> list[date]:
    return [now.date() - timedelta(days=ago) for ago in reversed(range(days))]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
