"""What Prometheus is told of sessions, runners and what they have to do; a query for each."""

from collections.abc import Iterable

from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from sessions_app import selectors
from sessions_app.models import Command, Gateway, InboxEntry, Proxy, Runner
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.states import CommandState

# Each has a partial index; those that ended well are far too many to count.
_OPEN_COMMANDS = (CommandState.QUEUED, CommandState.RUNNING, CommandState.UNKNOWN)


def metrics() -> Iterable[Metric]:
    """Yield what is read from rows."""
    sessions = GaugeMetricFamily("orsta_sessions", "Sessions by status", labels=["status"])
    for status, count in selectors.count_by_status().items():
        sessions.add_metric([status], count)
    yield sessions
    yield from _commands()
    yield from _runners()
    yield _inbox()
    yield _by_health("orsta_gateways", "Gateways by state and health", Gateway)
    yield _by_health("orsta_proxies", "Proxies by state and health", Proxy)


def _commands() -> Iterable[Metric]:
    either = Q()
    for state in _OPEN_COMMANDS:
        either |= Q(state=state)
    rows = Command.objects.filter(either).order_by().values_list("state").annotate(Count("pk"))
    counts = dict.fromkeys(_OPEN_COMMANDS, 0) | dict(rows)
    family = GaugeMetricFamily(
        "orsta_commands", "Commands without a certain ending, by state", labels=["state"]
    )
    for state, count in counts.items():
        family.add_metric([state], count)
    yield family
    queued = counts[CommandState.QUEUED]
    yield GaugeMetricFamily("orsta_commands_queued", "Commands that wait", value=queued)


def _runners() -> Iterable[Metric]:
    families = {
        "sessions": GaugeMetricFamily(
            "orsta_runner_sessions", "Sessions that a runner holds", labels=["node"]
        ),
        "capacity": GaugeMetricFamily(
            "orsta_runner_capacity", "Sessions that a runner takes at most", labels=["node"]
        ),
        "load": GaugeMetricFamily(
            "orsta_runner_load", "Processes that wait for a CPU, per CPU", labels=["node"]
        ),
    }
    age = GaugeMetricFamily(
        "orsta_runner_heartbeat_age_seconds", "Since a runner's sign of life", labels=["node"]
    )
    now = timezone.now()
    for row in Runner.objects.values("node", "heartbeat_at", *families):
        for name, family in families.items():
            family.add_metric([row["node"]], row[name])
        age.add_metric([row["node"]], (now - row["heartbeat_at"]).total_seconds())
    yield from families.values()
    yield age


def _inbox() -> Metric:
    poison = Q(attempts__gte=MAX_ATTEMPTS)
    counts = InboxEntry.objects.filter(done_at=None).aggregate(
        waiting=Count("pk", filter=~poison), poison=Count("pk", filter=poison)
    )
    family = GaugeMetricFamily(
        "orsta_engine_inbox", "What gateways posted and nobody has read", labels=["state"]
    )
    for state, count in counts.items():
        family.add_metric([state], count)
    return family


def _by_health(name: str, text: str, model: type[Gateway] | type[Proxy]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state", "health"])
    rows = model.objects.order_by().values_list("state", "health").annotate(Count("pk"))
    for state, health, count in rows:
        family.add_metric([state, health], count)
    return family
