import pytest
from django.test import RequestFactory

from orsta.core.api.addresses import client_address, scope_address
from orsta.core.api.middleware import OriginMiddleware
from orsta.core.observability import origin


def address(peer, forwarded=None, **headers):
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    scope = {
        "client": (peer, 1234),
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }
    assert client_address(request) == scope_address(scope)
    return client_address(request)


@pytest.mark.parametrize("forwarded", [None, "203.0.113.9", "127.0.0.1, 203.0.113.9"])
def test_g7_without_a_trusted_proxy_the_peer_is_the_client(forwarded):
    assert address("192.0.2.7", forwarded) == "192.0.2.7"


@pytest.mark.parametrize(
    "header", ["X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"]
)
def test_g7_no_other_header_is_believed(settings, header):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.7"]

    assert address("10.0.0.7", None, **{header: "203.0.113.9"}) == "10.0.0.7"


def test_a_trusted_proxy_names_the_client(settings):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.0/8"]

    assert address("10.0.0.7", "203.0.113.9") == "203.0.113.9"


def test_g7_what_the_client_wrote_itself_does_not_count(settings):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.0/8"]

    assert address("10.0.0.7", "198.51.100.1, 203.0.113.9") == "203.0.113.9"
    assert address("10.0.0.7", "198.51.100.1, 203.0.113.9, 10.0.0.8") == "203.0.113.9"


def test_g7_a_client_in_the_trusted_network_cannot_pretend_further(settings):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.7"]

    assert address("10.0.0.9", "203.0.113.9") == "10.0.0.9"


@pytest.mark.parametrize(
    "forwarded", ["", "unknown", "203.0.113.9, _hidden", "a, b", "1.2.3.4:80"]
)
def test_what_is_no_address_ends_the_walk_at_the_proxy(settings, forwarded):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.7"]

    assert address("10.0.0.7", forwarded) == "10.0.0.7"


@pytest.mark.parametrize(
    ("peer", "kept"),
    [
        ("", None),
        ("unix:", None),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_a_peer_is_written_in_one_way_or_not_at_all(peer, kept):
    assert address(peer) == kept


def test_several_header_lines_are_one_list(settings):
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.7"]
    lines = [(b"x-forwarded-for", b"198.51.100.1"), (b"X-Forwarded-For", b"203.0.113.9")]

    assert scope_address({"client": ("10.0.0.7", 1), "headers": lines}) == "203.0.113.9"


def test_a_scope_without_a_peer_has_no_address():
    assert scope_address({"client": None, "headers": []}) is None
    assert scope_address({"headers": []}) is None


def test_b13_whoever_writes_down_what_happened_knows_from_where():
    seen = []

    def view(request):
        seen.append(origin.current())
        return "answer"

    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "curl/8"}
    )
    assert OriginMiddleware(view)(request) == "answer"

    assert seen == [origin.Origin("192.0.2.7", "curl/8")]
    assert origin.current() == origin.Origin()


def test_an_origin_ends_with_its_request_even_when_that_fails():
    def view(request):
        raise LookupError

    with pytest.raises(LookupError):
        OriginMiddleware(view)(RequestFactory().get("/"))

    assert origin.current() == origin.Origin()
