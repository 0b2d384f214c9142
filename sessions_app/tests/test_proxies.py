"""Proxies are tried, given to sessions and taken away, and nothing goes around them."""

import socket
from contextlib import closing

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from orsta.core.outbox.models import OutboxEvent
from sessions_app.models import Command, Proxy
from sessions_app.services import engine_refs, outages, proxies, proxy_probe
from sessions_app.services.capabilities import CapabilityMissing
from sessions_app.states import CommandKind, Health, ProxyState, SessionStatus
from sessions_app.tests.factories import make_session
from sessions_app.tests.fake_gateways import make_gateway, make_guest, make_proxy
from sessions_app.tests.live_proxy import LiveProxy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]
S = SessionStatus
NOW = timezone.now()
BY = {"actor": "usr_staff", "reason": "asked for it", "now": NOW}
LOGIN = "anna:p%3Ass%20w%40rd@"
schemes = pytest.mark.parametrize("scheme", ["http", "socks5"])


def check(proxy: Proxy) -> Proxy:
    proxies.check(proxy_id=proxy.pk, now=timezone.now())
    proxy.refresh_from_db()
    return proxy


@schemes
@pytest.mark.parametrize(("login", "user"), [(False, ""), (True, LOGIN)])
def test_a_proxy_that_connects_us_is_up(scheme, login, user):
    with closing(LiveProxy(scheme, login=login)) as live:
        proxy = check(make_proxy(url=f"{scheme}://{user}127.0.0.1:{live.port}"))

    assert (proxy.health, proxy.error, proxy.down_since) == (Health.UP, "", None)
    assert b"web.whatsapp.com" in live.asked[0]


@schemes
@pytest.mark.parametrize("user", ["anna:wrong@", ""])
def test_a_proxy_that_refuses_our_login_is_down(scheme, user):
    with closing(LiveProxy(scheme, login=True)) as live:
        proxy = check(make_proxy(url=f"{scheme}://{user}127.0.0.1:{live.port}"))

    assert proxy.health == Health.DOWN
    assert "login" in proxy.error
    assert proxy.down_since is not None


@pytest.mark.parametrize(
    ("scheme", "answer", "error"),
    [
        ("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "status 502"),
        ("http", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "no HTTP proxy"),
        ("socks5", bytes([5, 4, 0, 1]), "WhatsApp can't be reached"),
        ("socks5", bytes([5]), "hung up"),
    ],
)
def test_what_a_proxy_says_is_written_down(scheme, answer, error):
    with closing(LiveProxy(scheme, answer=answer)) as live:
        proxy = check(make_proxy(url=f"{scheme}://127.0.0.1:{live.port}"))

    assert proxy.health == Health.DOWN
    assert error in proxy.error


def test_a_proxy_that_nobody_runs_is_down_and_its_secret_stays_hidden():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    proxy = check(make_proxy(url=f"socks5://anna:hunter2@127.0.0.1:{port}"))

    assert proxy.error == "It can't be reached (ConnectionRefusedError)."


def test_a_proxy_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(proxy_probe.ProxyFailed, match="in time"):
            proxy_probe.probe(f"http://127.0.0.1:{port}", timeout=0.05)


@pytest.mark.parametrize(
    "url",
    ["ftp://h:1", "socks5://h", "http://:80", "http://h:1/path", "http://h:x", "h:1", ""],
)
def test_what_is_no_proxy_is_refused_without_being_repeated(url):
    with pytest.raises(proxy_probe.BadProxyUrl):
        proxy_probe.parse(url)


def test_a_proxy_is_shown_without_its_login():
    assert (
        proxies.place_of(make_proxy(url="http://u:p@h.example:3128")) == "http://h.example:3128"
    )


def test_a_session_whose_proxy_is_down_never_connects_without_and_is_not_made_to_wait():
    session = make_guest(
        make_gateway(),
        proxy=make_proxy(health=Health.DOWN),
        status=S.DISCONNECTED,
        reason_code="proxy_down",
    )
    with pytest.raises(engine_refs.Unusable, match="proxy"):
        engine_refs.ref_of(session)

    with closing(LiveProxy("http")) as live:
        session.proxy.url = f"http://127.0.0.1:{live.port}"
        session.proxy.save()
        check(session.proxy)
    assert OutboxEvent.objects.filter(name="proxy.came_back").count() == 1
    outages.follow_proxy(proxy_id=session.proxy.public_id, now=NOW)

    assert Command.objects.get(session=session).kind == CommandKind.RECONNECT


# -- what staff do ------------------------------------------------------------------------


def test_staff_give_a_session_a_proxy_and_take_it_back():
    session, proxy = make_guest(make_gateway(), status=S.CONNECTED), make_proxy(capacity=1)

    proxies.assign(session=session, proxy=proxy, **BY)

    session.refresh_from_db()
    assert session.proxy == proxy
    assert Command.objects.get(session=session).kind == CommandKind.RECONNECT
    with pytest.raises(proxies.ProxyFull):
        proxies.assign(session=make_guest(make_gateway()), proxy=proxy, **BY)
    proxies.assign(session=session, proxy=None, **BY)
    session.refresh_from_db()
    assert session.proxy is None
    entry = AuditEntry.objects.order_by("-pk").first()
    assert (entry.action, entry.reason) == ("session.proxy_assigned", "asked for it")
    assert (entry.before, entry.after) == ({"proxy": proxy.public_id}, {"proxy": None})


def test_an_engine_that_knows_no_proxies_gets_none():
    with pytest.raises(CapabilityMissing):
        proxies.assign(session=make_session(), proxy=make_proxy(), **BY)


def test_a_disabled_proxy_stops_its_sessions_until_it_is_enabled():
    proxy = make_proxy()
    session = make_guest(make_gateway(), proxy=proxy, status=S.CONNECTED)

    proxies.set_state(proxy=proxy, state=ProxyState.DISABLED, **BY)
    outages.follow_proxy(proxy_id=proxy.public_id, now=NOW)
    session.refresh_from_db()
    assert (session.status, session.reason_code) == (S.FAULTED, "proxy_disabled")

    proxies.set_state(proxy=proxy, state=ProxyState.ACTIVE, **BY)
    outages.follow_proxy(proxy_id=proxy.public_id, now=NOW)
    session.refresh_from_db()
    assert session.status == S.STARTING
    with pytest.raises(proxies.StateUnchanged):
        proxies.set_state(proxy=proxy, state=ProxyState.ACTIVE, **BY)


def test_a_proxy_that_works_again_is_told_once():
    proxy = make_proxy()
    make_guest(make_gateway(), proxy=proxy, status=S.DISCONNECTED, reason_code="proxy_down")

    for _ in range(2):
        outages.follow_proxy(proxy_id=proxy.public_id, now=NOW)

    assert Command.objects.get().kind == CommandKind.RECONNECT


def test_a_proxy_goes_once_no_session_has_it():
    proxy = make_proxy()
    session = make_guest(make_gateway(), proxy=proxy)
    with pytest.raises(proxies.ProxyInUse):
        proxies.delete(proxy=proxy, **BY)

    proxies.assign(session=session, proxy=None, **BY)
    proxies.delete(proxy=proxy, **BY)

    assert not Proxy.objects.exists()


def test_many_proxies_come_as_a_list():
    known = make_proxy(url="http://u:p@a.example:1")
    text = "http://u:p@a.example:1\nsocks5://b.example:2,Berlin, de\n\nhttp://c.example:3\n"

    assert proxies.add_many(text=text, capacity=4, **BY) == 2

    made = Proxy.objects.exclude(pk=known.pk).order_by("pk")
    assert [(row.name, row.country, row.capacity) for row in made] == [
        ("Berlin", "DE", 4),
        ("c.example:3", "", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://a.example:1\nnonsense",
        "http://a.example:1,a,Germany",
        "http://a:1,x\nhttp://b:1,X",
    ],
)
def test_a_list_is_taken_whole_or_not_at_all(text):
    with pytest.raises(proxies.BadLines):
        proxies.add_many(text=text, capacity=1, **BY)

    assert not Proxy.objects.exists()
