"""Who may open a socket."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from accounts.models import Tenant, TenantStatus, User
from accounts.services import keys, login
from accounts.tests.factories import make_api_key, make_login, make_service_key, make_tenant
from accounts.tests.sockets import OWN, bearer, connect, cookie, refusal
from accounts.websocket import PrincipalMiddleware
from orsta.core.observability import origin

pytestmark = pytest.mark.django_db(transaction=True)
BAD_KEY = "Invalid or inactive API key"
BAD_TOKEN = "Missing or invalid session token"


def test_bearer_cookie_and_active_key_open_a_socket():
    """Vector 6."""
    alice = make_login()
    key = make_api_key(alice.tenant).text

    opened = [
        connect(bearer(alice.token)),
        connect(cookie(alice.token), OWN),
        connect(("x-api-key", key)),
        connect(bearer(key)),
    ]

    seen = [(status, who["tenant"], who["kind"]) for status, who in opened]
    assert seen == [
        (101, alice.tenant.public_id, "login"),
        (101, alice.tenant.public_id, "login"),
        (101, alice.tenant.public_id, "api_key"),
        (101, alice.tenant.public_id, "api_key"),
    ]


def test_no_credential_is_refused():
    assert refusal() == (401, BAD_TOKEN)


def test_an_inactive_key_is_refused():
    """Vector 6."""
    text = make_api_key(active=False).text

    assert refusal(("x-api-key", text)) == (401, BAD_KEY)


def test_a_deactivated_key_is_refused_at_once():
    tenant = make_tenant()
    text = make_api_key(tenant).text
    assert connect(("x-api-key", text))[0] == 101

    keys.deactivate(tenant=tenant, now=timezone.now())

    assert refusal(("x-api-key", text)) == (401, BAD_KEY)


def test_o10_the_key_of_a_program_is_a_documented_way_in():
    """The original took `x-api-key` on the socket and told nobody; here Bearer does it too."""
    key = make_api_key().text

    assert connect(("x-api-key", f" {key} "))[0] == 101
    assert connect(bearer(key))[0] == 101
    assert connect(cookie(key), OWN)[0] == 401


@pytest.mark.parametrize(
    ("address", "status"), [("192.0.2.7", 101), ("192.0.3.7", 403), (None, 403)]
)
def test_a_key_opens_sockets_from_its_networks_only(address, status):
    text = make_api_key(networks=["192.0.2.0/24"]).text

    assert connect(("x-api-key", text), address=address)[0] == status
    assert connect(bearer(text), address=address)[0] == status


def test_a_suspended_tenants_key_opens_no_socket():
    text = make_api_key().text
    Tenant.objects.update(status=TenantStatus.SUSPENDED)

    status, problem = connect(("x-api-key", text))

    assert (status, problem["code"]) == (403, "tenant_suspended")


@pytest.mark.parametrize("value", ["", "   ", "wrong", "ork_\xe9"])
def test_a_bad_key_header_decides_alone_even_when_it_is_empty(value):
    alice = make_login()

    answer = refusal(("x-api-key", value), bearer(alice.token), cookie(alice.token), OWN)

    assert answer == (401, BAD_KEY)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://evil.example",
        "https://orsta.example:8000",
        "http://orsta.example",
        "http://orsta.example:8001",
        "http://orsta.example:8000.evil.example",
        "http://evil.example/http://orsta.example:8000",
    ],
)
def test_a_cookie_counts_only_for_pages_of_this_very_host(origin):
    """Fact B13: any page could open a visitor's socket."""
    alice = make_login()
    headers = [("origin", origin)] if origin is not None else []

    assert refusal(cookie(alice.token), *headers) == (401, BAD_TOKEN)


def test_a_bearer_or_a_key_is_good_from_any_origin():
    alice = make_login()
    foreign = ("origin", "http://evil.example")

    assert connect(bearer(alice.token), foreign)[0] == 101
    assert connect(("x-api-key", make_api_key(alice.tenant).text), foreign)[0] == 101


def test_behind_tls_the_origin_is_https(settings):
    alice = make_login()
    secure = ("origin", "https://orsta.example:8000")

    assert connect(cookie(alice.token), secure, scheme="wss")[0] == 101
    assert refusal(cookie(alice.token), OWN, scheme="wss") == (401, BAD_TOKEN)
    proxied = ("x-forwarded-proto", "https")
    assert refusal(cookie(alice.token), secure, proxied) == (401, BAD_TOKEN)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert connect(cookie(alice.token), secure, proxied)[0] == 101


def test_an_origin_that_the_settings_trust_counts_as_our_own(settings):
    alice = make_login()
    settings.CSRF_TRUSTED_ORIGINS = ["https://console.example"]

    opened = connect(cookie(alice.token), ("origin", "https://console.example"))

    assert opened[0] == 101


def test_a_stale_cookie_does_not_shadow_a_good_bearer():
    alice, old = make_login(), make_login()
    login.log_out(token=old.token, now=timezone.now())

    assert refusal(cookie(old.token), OWN) == (401, BAD_TOKEN)
    status, who = connect(cookie(old.token), OWN, bearer(alice.token))
    assert (status, who["tenant"]) == (101, alice.tenant.public_id)


def test_a_bad_bearer_is_not_rescued_by_a_good_cookie():
    alice = make_login()

    assert refusal(bearer("wrong"), cookie(alice.token), OWN) == (401, BAD_TOKEN)
    assert refusal(("authorization", "Bearer"), cookie(alice.token), OWN) == (401, BAD_TOKEN)


@pytest.mark.parametrize("end", ["logout", "shut out", "expired"])
def test_a_token_that_ended_is_refused(end):
    """Fact B6."""
    week_ago = timezone.now() - login.LIFETIME
    alice = make_login(now=week_ago) if end == "expired" else make_login()
    if end == "logout":
        login.log_out(token=alice.token, now=timezone.now())
    elif end == "shut out":
        User.objects.update(is_active=False)

    assert refusal(bearer(alice.token)) == (401, BAD_TOKEN)


def test_a_service_key_opens_no_socket():
    text = make_service_key().text

    assert refusal(("x-api-key", text)) == (401, BAD_KEY)
    assert refusal(bearer(text)) == (401, BAD_TOKEN)


def test_an_api_key_is_no_cookie():
    assert refusal(cookie(make_api_key().text), OWN) == (401, BAD_TOKEN)


@pytest.mark.parametrize(
    "value", ["", ";;;", "orsta_session", "orsta_session=\xe9;=", "a=b" * 9]
)
def test_a_mangled_cookie_header_is_refused_and_nothing_worse(value):
    assert refusal(("cookie", value), OWN) == (401, BAD_TOKEN)


def test_a_cookie_beside_mangled_ones_still_counts():
    token = make_login().token

    assert connect(("cookie", f'bad[name]=1; =; x="; orsta_session={token}'), OWN)[0] == 101


def test_what_a_socket_does_knows_where_it_comes_from():
    alice, seen = make_login(), []

    async def look(scope, receive, send):
        await sync_to_async(lambda: seen.append(origin.current()))()

    async def run():
        raw = [(b"authorization", f"Bearer {alice.token}".encode()), (b"user-agent", b"curl/8")]
        scope = {"headers": raw, "client": ["192.0.2.7", 50_000]}
        await PrincipalMiddleware(look)(scope, None, None)
        seen.append(origin.current())

    async_to_sync(run)()

    assert seen == [origin.Origin("192.0.2.7", "curl/8"), origin.Origin()]
