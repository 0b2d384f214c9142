"""What the console shows while a device is being linked, and when there is trouble."""

import pytest
from django.utils import timezone

from accounts import authentication
from accounts.models import LoginSession
from accounts.tests.factories import make_login
from sessions_app.engines import registry
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db
S = SessionStatus


@pytest.fixture
def tenant():
    """A customer."""
    return make_customer()


@pytest.fixture
def page_of(client, tenant):
    """Open a session's page as the tenant's owner."""
    client.cookies[authentication.COOKIE] = make_login(tenant).token
    LoginSession.objects.update(last_used_at=timezone.now())

    def open_page(**fields):
        session = make_session(tenant=tenant, **fields)
        return client.get(f"/console/sessions/{session.public_id}").content.decode()

    return open_page


def test_a_phone_number_is_another_way_to_link(page_of):
    page = page_of(status=S.PAIRING)

    assert "Link with phone number instead" in page
    assert "data-by-phone" in page


def test_an_engine_that_knows_qr_codes_only_offers_no_other_way(page_of, monkeypatch):
    engine = registry.engine("sandbox")
    fewer = engine.capabilities - {"pair_code", "passkey"}
    monkeypatch.setattr(type(engine), "capabilities", fewer)

    page = page_of(status=S.PAIRING)

    assert "data-by-phone" not in page
    assert "Engines here that can pass it on" not in page


def test_the_page_explains_passkeys_and_names_the_engines(page_of):
    page = page_of(status=S.PASSKEY_REQUIRED)

    assert "WhatsApp links this account by passkey only" in page
    assert "Engines here that can pass it on: sandbox." in page


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        (S.RESTRICTED, "warn"),
        (S.DEGRADED, "warn"),
        (S.BANNED, "bad"),
        (S.REPLACED, "bad"),
        (S.FAULTED, "bad"),
    ],
)
def test_trouble_gets_a_banner_with_its_reason(page_of, status, tone):
    page = page_of(status=status, reason="Because of the weather.")

    assert f'<p class="notice trouble notice-{tone}" data-trouble role="status">' in page
    assert page.count("Because of the weather.") == 1


@pytest.mark.parametrize("status", [S.BANNED, S.RESTRICTED])
def test_trouble_that_ends_says_when(page_of, status):
    page = page_of(status=status)

    assert "Until <time datetime=" in page


def test_a_session_without_trouble_shows_no_banner(page_of):
    page = page_of(status=S.CONNECTED)

    assert 'data-trouble role="status" hidden>' in page
