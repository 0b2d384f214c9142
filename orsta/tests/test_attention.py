"""The admin's front page says what needs somebody, and leads there."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import make_user
from orsta.backoffice import attention
from sessions_app.models import Command, Gateway, InboxEntry, Proxy, Runner
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.states import CommandKind, CommandState, Health, ProxyState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


def make_trouble():
    """Make one of everything that needs somebody, beside what needs nobody."""
    now = timezone.now()
    session = make_session(status=SessionStatus.CONNECTED)
    make_session(status=SessionStatus.FAULTED, reason_code="crash_loop")
    make_session(status=SessionStatus.DELETED, desired="DELETED", reason_code="crash_loop")
    for name, health in (("up", Health.UP), ("down", Health.DOWN)):
        gateway = {"name": name, "engine": "wuzapi", "address": f"http://{name}"}
        Gateway.objects.create(**gateway, token="t", capacity=1, health=health)
        Proxy.objects.create(name=name, url="socks5://p:1", health=health)
    Proxy.objects.create(
        name="off", url="socks5://p:1", health=Health.DOWN, state=ProxyState.DISABLED
    )
    for age, version in ((0, "1.0"), (1, "1.1"), (60, "0.9")):
        make_runner(version, heartbeat_at=now - timedelta(seconds=age))
    for state in (CommandState.UNKNOWN, CommandState.FAILED):
        Command.objects.create(
            tenant=session.tenant,
            session=session,
            kind=CommandKind.LOGOUT,
            state=state,
            created_at=now,
        )
    for key, attempts in (("waits", 0), ("poison", MAX_ATTEMPTS)):
        InboxEntry.objects.create(
            session=session, dedupe_key=key, attempts=attempts, received_at=now
        )


def make_runner(version, **fields):
    values = {"node": version, "version": version, "capacity": 1, "started_at": timezone.now()}
    return Runner.objects.create(**values | {"heartbeat_at": timezone.now()} | fields)


def items(user=None):
    request = RequestFactory().get("/admin/")
    request.user = user or make_user(is_staff=True, is_superuser=True)
    return attention.items(request, now=timezone.now())


def test_where_all_is_well_nothing_is_said(client):
    make_session(status=SessionStatus.CONNECTED)
    make_runner("1.0")
    client.force_login(make_user(is_staff=True, is_superuser=True))

    assert items() == []
    assert "Needs attention" not in client.get(reverse("admin:index")).content.decode()


def test_everything_that_needs_somebody_is_counted():
    make_trouble()

    assert [(item.count, item.label) for item in items()] == [
        (1, "session is in trouble"),
        (1, "gateway does not answer"),
        (1, "proxy does not answer"),
        (1, "runner fell silent"),
        (2, "versions of the runners at once"),
        (1, "command has an unknown outcome"),
        (1, "webhook can't be read"),
    ]


def test_every_item_leads_to_a_list_of_what_it_counted(client):
    make_trouble()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:index")).content.decode()

    assert "Needs attention" in page
    for item in items():
        assert item.href.replace("&", "&amp;") in page
        answer = client.get(item.href)
        assert answer.status_code == 200
        assert len(answer.context["cl"].result_list) == item.count


def test_two_statements_count_it_all(django_assert_num_queries):
    make_trouble()
    boss = make_user(is_staff=True, is_superuser=True)

    with django_assert_num_queries(2):
        items(boss)


def test_staff_are_told_of_what_they_may_see():
    make_trouble()
    clerk = make_user(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_gateway"))

    assert [item.label for item in items(clerk)] == ["gateway does not answer"]
    assert Client().get(reverse("admin:index")).status_code == 302
