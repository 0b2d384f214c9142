"""Staff and the fleet: what they write, what they do, and what they never see again."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_user
from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import GatewayReport
from sessions_app.models import Gateway, InboxEntry, Proxy
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.services import inbox
from sessions_app.states import GatewayState, Health, ProxyState, SessionStatus
from sessions_app.tests.factories import make_session
from sessions_app.tests.fake_gateways import ENGINE, make_gateway, make_guest, make_proxy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]
GATEWAY = {
    "name": "Frankfurt", "engine": ENGINE, "address": "https://fra.internal:8080/",
    "token": "s3cret", "capacity": "50", "labels": "{}",
}  # fmt: skip
PROXY = {
    "name": "Berlin", "url": "socks5://u:hunter2@b.example:1080", "country": "de",
    "capacity": "3",
}  # fmt: skip


@pytest.fixture
def staff():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff) -> Client:
    browser = Client()
    browser.force_login(staff)
    return browser


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:sessions_app_{model}_{page}", args=args)


def run(client: Client, model: str, action: str, row=None, **fields: object):
    """Run an action; return how it went and what was said."""
    args = [row.pk] if row else []
    form = {"_form_submitted": "True", "reason": "maintenance", **fields}
    response = client.post(url(model, action, *args), form)
    assert "HX-Redirect" in response.headers, response.content.decode()
    *_, message = get_messages(response.wsgi_request)  # nobody read the earlier ones
    if row is not None and type(row).objects.filter(pk=row.pk).exists():
        row.refresh_from_db()
    return message.level_tag, str(message)


def audited() -> tuple[str, str, str]:
    entry = AuditEntry.objects.order_by("-pk").first()
    return entry.action, entry.actor, entry.reason


def errors_of(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


# -- gateways -----------------------------------------------------------------------------


def test_staff_add_a_gateway(client, staff):
    assert client.post(url("gateway", "add"), GATEWAY).status_code == 302

    gateway = Gateway.objects.get()
    assert (gateway.address, gateway.token) == ("https://fra.internal:8080", "s3cret")
    assert audited()[:2] == ("gateway.added", staff.public_id)
    assert "s3cret" not in str(AuditEntry.objects.values())


def test_a_token_is_never_shown_again_and_empty_keeps_it(client):
    gateway = make_gateway(token="s3cret", health=Health.UP)

    page = client.get(url("gateway", "change", gateway.pk)).content.decode()
    client.post(url("gateway", "change", gateway.pk), GATEWAY | {"token": ""})

    gateway.refresh_from_db()
    assert "s3cret" not in page
    assert (gateway.name, gateway.token) == ("Frankfurt", "s3cret")
    assert gateway.health == Health.UNKNOWN  # its address is another one


@pytest.mark.parametrize(
    "address",
    [
        "ftp://fra.internal",
        "https://user:secret@fra.internal",
        "https://fra.internal/path",
        "https://fra.internal/?x=1",
        "fra.internal:8080",
    ],
)
def test_an_address_is_a_host_and_nothing_more(client, address):
    response = client.post(url("gateway", "add"), GATEWAY | {"address": address})

    assert list(errors_of(response)) == ["address"]
    assert not Gateway.objects.exists()


def test_a_new_gateway_needs_its_token(client):
    response = client.post(url("gateway", "add"), GATEWAY | {"token": ""})

    assert list(errors_of(response)) == ["token"]


def test_staff_ask_a_gateway_now(client, gateway_engine):
    gateway = make_gateway()
    gateway_engine.answer = lambda: GatewayReport("3.1", [])
    assert run(client, "gateway", "test", gateway)[0] == "success"
    assert (gateway.health, gateway.version) == (Health.UP, "3.1")

    def fail():
        raise EngineError("It does not answer.")

    gateway_engine.answer = fail
    assert run(client, "gateway", "test", gateway) == ("error", "It does not answer.")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("drain", GatewayState.ACTIVE, GatewayState.DRAINING),
        ("activate", GatewayState.DRAINING, GatewayState.ACTIVE),
        ("quarantine", GatewayState.ACTIVE, GatewayState.QUARANTINED),
    ],
)
def test_staff_steer_a_gateway_and_say_why(client, staff, name, before, after):
    gateway = make_gateway(state=before)

    assert run(client, "gateway", name, gateway)[0] == "success"

    assert gateway.state == after
    assert audited()[1:] == (staff.public_id, "maintenance")
    assert run(client, "gateway", name, gateway)[0] == "error"


def test_an_action_without_a_reason_does_nothing(client):
    gateway = make_gateway()

    client.post(url("gateway", "drain", gateway.pk), {"_form_submitted": "True"})

    gateway.refresh_from_db()
    assert gateway.state == GatewayState.ACTIVE


def test_staff_rebalance_a_gateway(client):
    gateway, other = make_gateway(), make_gateway()
    session = make_guest(gateway, status=SessionStatus.PAIRING_EXPIRED)

    assert run(client, "gateway", "rebalance", gateway)[0] == "success"

    session.refresh_from_db()
    assert session.gateway == other


def test_a_gateway_with_sessions_stays_and_an_empty_one_goes(client):
    gateway = make_gateway()
    session = make_guest(gateway)
    assert run(client, "gateway", "remove", gateway)[0] == "error"

    session.delete()

    assert run(client, "gateway", "remove", gateway)[0] == "success"
    assert not Gateway.objects.exists()


def test_a_gateways_page_leads_to_its_sessions(client):
    gateway = make_gateway(strangers=["bob's own"])
    session, other = make_guest(gateway), make_guest(make_gateway())

    page = client.get(url("gateway", "change", gateway.pk)).content.decode()
    query = {"gateway__id__exact": gateway.pk}
    found = client.get(url("session", "changelist"), query).content.decode()

    assert f"gateway__id__exact={gateway.pk}" in page
    assert "bob&#x27;s own" in page
    assert session.name in found
    assert other.name not in found


# -- proxies ------------------------------------------------------------------------------


def test_staff_add_a_proxy_and_its_secret_is_never_shown_again(client):
    assert client.post(url("proxy", "add"), PROXY).status_code == 302

    proxy = Proxy.objects.get()
    assert (proxy.url, proxy.country) == (PROXY["url"], "DE")
    for page in (url("proxy", "changelist"), url("proxy", "change", proxy.pk)):
        shown = client.get(page).content.decode()
        assert "socks5://b.example:1080" in shown
        assert "hunter2" not in shown
    client.post(url("proxy", "change", proxy.pk), PROXY | {"url": "", "name": "Bonn"})
    proxy.refresh_from_db()
    assert (proxy.name, proxy.url) == ("Bonn", PROXY["url"])


@pytest.mark.parametrize(
    ("field", "value"), [("url", "nonsense"), ("country", "1!"), ("capacity", "-1")]
)
def test_what_is_no_proxy_is_refused(client, field, value):
    response = client.post(url("proxy", "add"), PROXY | {field: value})

    assert list(errors_of(response)) == [field]


def test_staff_import_a_list_of_proxies(client):
    lines = "http://a.example:1\nhttp://b.example:2,Berlin,DE"

    assert run(client, "proxy", "import_list", lines=lines, capacity="2")[0] == "success"

    assert Proxy.objects.count() == 2
    assert run(client, "proxy", "import_list", lines="x", capacity="2")[0] == "error"


def test_staff_take_a_proxy_out_of_use_and_into_use(client):
    proxy = make_proxy()

    assert run(client, "proxy", "disable", proxy)[0] == "success"
    assert proxy.state == ProxyState.DISABLED
    assert run(client, "proxy", "enable", proxy)[0] == "success"
    assert proxy.state == ProxyState.ACTIVE
    assert run(client, "proxy", "remove", proxy)[0] == "success"
    assert not Proxy.objects.exists()


def test_staff_try_a_proxy_now(client):
    proxy = make_proxy(url="http://127.0.0.1:1")

    tag, said = run(client, "proxy", "check_now", proxy)

    assert (tag, proxy.health) == ("error", Health.DOWN)
    assert "can't be reached" in said


# -- sessions and webhooks ----------------------------------------------------------------


def test_staff_give_a_session_a_proxy_and_take_it_back(client):
    session, proxy = make_guest(make_gateway()), make_proxy()

    assert run(client, "session", "assign_proxy", session, proxy=proxy.pk)[0] == "success"
    assert session.proxy == proxy
    assert audited()[2] == "maintenance"
    page = client.get(url("session", "change", session.pk)).content.decode()
    assert proxy.name in page
    assert run(client, "session", "remove_proxy", session)[0] == "success"
    assert session.proxy is None


def test_staff_move_a_session(client):
    session, other = make_guest(make_gateway()), make_gateway()

    assert run(client, "session", "move", session)[0] == "success"
    assert session.gateway == other
    assert run(client, "session", "move", make_session())[0] == "error"


def test_staff_have_a_poison_webhook_read_again(client):
    session = make_guest(make_gateway())
    now = timezone.now()
    inbox.receive(session_id=session.pk, dedupe_key="1", payload={"code": "2@x"}, now=now)
    entry = InboxEntry.objects.get()
    for _ in range(MAX_ATTEMPTS):
        inbox.finish(entries={entry.pk: "boom"}, now=now)

    poison = client.get(url("inboxentry", "changelist"), {"stage": "poison"}).content.decode()
    assert "boom" in poison
    assert "2@x" not in client.get(url("inboxentry", "change", entry.pk)).content.decode()
    assert run(client, "inboxentry", "replay", entry)[0] == "success"
    assert entry.attempts == 0
    assert run(client, "inboxentry", "replay", entry)[0] == "error"


def test_the_pages_of_webhooks_leave_what_they_say_in_the_database(client):
    session = make_guest(make_gateway())
    now = timezone.now()
    inbox.receive(session_id=session.pk, dedupe_key="1", payload={"code": "2@x"}, now=now)

    with CaptureQueriesContext(connection) as seen:
        client.get(url("inboxentry", "changelist"))
        client.get(url("inboxentry", "change", InboxEntry.objects.values("pk")[0]["pk"]))

    assert [one for one in seen if '"payload"' in one["sql"]] == []
