"""Runners: what staff see and ask, what `/readyz` and `/metrics` say of them."""

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client import generate_latest
from prometheus_client.core import CollectorRegistry

from accounts.models import AuditEntry
from accounts.tests.factories import make_user
from orsta.core.observability import health
from sessions_app import metrics
from sessions_app.models import Gateway, InboxEntry, Proxy, Runner
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.services import commands, leases, runners
from sessions_app.states import CommandKind, CommandState, Health, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    browser = Client()
    browser.force_login(make_user(is_staff=True, is_superuser=True))
    return browser


def make_runner(node="one", *, age=timedelta(0), **fields) -> Runner:
    now = timezone.now()
    known = {"version": "1.0", "capacity": 250, "started_at": now, "heartbeat_at": now - age}
    return Runner.objects.create(node=node, **(known | fields))


def ready() -> health.Outcome:
    return health.run()["runner"]


def measured() -> str:
    class Rows:
        def collect(self):
            return metrics.metrics()

    registry = CollectorRegistry()
    registry.register(Rows())
    return generate_latest(registry).decode()


def beat(node: str) -> bool:
    return leases.beat(
        node=node, version="1", capacity=5, sessions=2, draining=False, now=timezone.now()
    )


def drain(client: Client, runner: Runner, **typed: str) -> None:
    page = reverse("admin:sessions_app_runner_drain", args=[runner.pk])
    return client.post(page, {"_form_submitted": "True", **typed})


def test_without_a_runner_that_lives_nothing_is_ready():
    make_runner(age=timedelta(minutes=1))

    assert ready() == health.Outcome(ok=False, detail="0 alive, 0 of 0 sessions")


def test_readiness_counts_what_the_living_hold():
    make_runner("one", sessions=30)
    make_runner("two", sessions=7)
    make_runner("dead", sessions=99, age=timedelta(minutes=1))

    detail = "2 alive, 37 of 500 sessions, versions 1.0"
    assert ready() == health.Outcome(ok=True, detail=detail)


def test_two_versions_at_once_are_ready_and_named():
    make_runner("one")
    make_runner("two", version="1.1")

    assert ready().ok
    assert ready().detail.endswith("versions 1.0, 1.1 (degraded: they differ)")


def test_staff_see_load_and_room(client):
    make_runner(sessions=30, load=0.257, age=timedelta(seconds=5))

    page = client.get(reverse("admin:sessions_app_runner_changelist")).content.decode()

    assert "30 / 250" in page
    assert "0.26" in page
    assert re.search(r"\b\d s ago", page)


def test_staff_drain_a_runner_with_a_reason(client):
    runner = make_runner(sessions=3)

    response = drain(client, runner, reason="new kernel")

    (message,) = get_messages(response.wsgi_request)
    assert message.level_tag == "success"
    entry = AuditEntry.objects.get(action="runner.drain_requested")
    assert (entry.target, entry.reason, entry.detail) == ("one", "new kernel", {"sessions": 3})
    assert beat("one") is True
    assert beat("two") is False


def test_a_drain_needs_a_reason(client):
    runner = make_runner()

    drain(client, runner, reason="")

    runner.refresh_from_db()
    assert runner.drain_requested_at is None


def test_a_runner_is_asked_once_and_only_while_it_is_there(client):
    runner, now = make_runner(), timezone.now()
    runners.request_drain(runner=runner, reason="first", now=now, actor="usr_1")

    with pytest.raises(runners.RunnerGone):
        runners.request_drain(runner=runner, reason="second", now=now, actor="usr_1")
    leases.leave(node=runner.node)
    with pytest.raises(runners.RunnerGone):
        runners.request_drain(runner=runner, reason="third", now=now, actor="usr_1")

    assert AuditEntry.objects.filter(action="runner.drain_requested").count() == 1


def test_metrics_tell_what_waits_and_what_nobody_knows():
    session = make_session(status=SessionStatus.CONNECTED)
    now = timezone.now()
    for state in (CommandState.QUEUED, CommandState.UNKNOWN, CommandState.DONE):
        command = commands.queue(session=session, kind=CommandKind.SEND, payload={}, now=now)
        type(command).objects.filter(pk=command.pk).update(state=state)

    text = measured()

    assert 'orsta_sessions{status="CONNECTED"} 1.0' in text
    assert 'orsta_commands{state="QUEUED"} 1.0' in text
    assert 'orsta_commands{state="RUNNING"} 0.0' in text
    assert 'orsta_commands{state="UNKNOWN"} 1.0' in text
    assert "DONE" not in text
    assert "orsta_commands_queued 1.0" in text


def test_metrics_tell_of_runners_gateways_proxies_and_the_inbox():
    make_runner(sessions=3, load=0.5, age=timedelta(seconds=100))
    common = {"engine": "wuzapi", "token": "t", "capacity": 5}
    Gateway.objects.create(name="g", address="http://g", health=Health.UP, **common)
    Proxy.objects.create(name="p", url="socks5://p:1", health=Health.DOWN)
    session, now = make_session(), timezone.now()
    for number, attempts in enumerate((0, MAX_ATTEMPTS)):
        InboxEntry.objects.create(
            session=session, dedupe_key=str(number), attempts=attempts, received_at=now
        )
    InboxEntry.objects.create(session=session, dedupe_key="x", received_at=now, done_at=now)

    text = measured()

    assert 'orsta_runner_sessions{node="one"} 3.0' in text
    assert 'orsta_runner_capacity{node="one"} 250.0' in text
    assert 'orsta_runner_load{node="one"} 0.5' in text
    assert 'orsta_runner_heartbeat_age_seconds{node="one"} 10' in text
    assert 'orsta_gateways{health="UP",state="ACTIVE"} 1.0' in text
    assert 'orsta_proxies{health="DOWN",state="ACTIVE"} 1.0' in text
    assert 'orsta_engine_inbox{state="waiting"} 1.0' in text
    assert 'orsta_engine_inbox{state="poison"} 1.0' in text


def test_metrics_cost_a_query_each(django_assert_num_queries):
    with django_assert_num_queries(6):
        measured()
