"""A person's settings in Chromium: passkeys by a device made of software, an app, the logins.

`window` fails when a page logs an error, violates the policy, or asks another host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.utils import timezone

from accounts.models import EmailProof, LinkPurpose, LoginSession, Passkey, TotpDevice
from accounts.services import second_factors
from accounts.tests.factories import PASSWORD, make_login
from accounts.tests.mailbox import mailed
from orsta.tests.e2e.browser import PHONE, chromium, scrolls_sideways, window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def service(live_server: Any, settings: Any) -> Any:
    """Return a running service at a domain, where Alice has a login."""
    settings.ORSTA_PUBLIC_URL = live_server.url
    live_server.alice = make_login()
    return live_server


@contextmanager
def desk(service: Any, **options: Any) -> Iterator[Any]:
    """Open a window on a computer that can hold passkeys."""
    with chromium() as browser, window(browser, service.url, **options) as page:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        yield page


def log_in(page: Any, email: str) -> None:
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button:has-text('Log in')")


def add_passkey(page: Any) -> None:
    page.goto("/console/settings")
    page.fill("#passkey-name", "Desk")
    page.click("text=Add a passkey")
    page.wait_for_selector("text=Desk")


def test_a_passkey_is_added_used_and_removed(service):
    with desk(service, login=service.alice.token) as page:
        add_passkey(page)
        page.click("summary[aria-label='Your account']")
        page.click("text=Log out")
        page.wait_for_url("**/console/login")

        page.goto("/console/login?next=/console/settings")
        page.click("text=Log in with a passkey")
        page.wait_for_url("**/console/settings")
        assert page.locator("text=never used").count() == 0
        page.click("button[aria-label='Remove Desk']")
        page.wait_for_selector("text=The passkey is removed.")
    assert not Passkey.objects.exists()


def test_a_login_that_is_a_while_old_adds_a_passkey_with_the_password(service):
    rows = LoginSession.objects.filter(pk=service.alice.row.pk)
    rows.update(created_at=timezone.now() - second_factors.FRESH)
    with desk(service, login=service.alice.token) as page:
        page.goto("/console/settings")
        page.fill("#passkey-name", "Desk")
        page.fill("#passkey-password", PASSWORD)
        page.click("text=Add a passkey")
        page.wait_for_selector("text=never used")
    assert Passkey.objects.get().name == "Desk"


def test_a_page_that_was_opened_in_time_asks_for_the_password_when_it_is_late(
    service, monkeypatch
):
    options = {"login": service.alice.token, "refused_path": "/auth/passkeys/options"}
    with desk(service, **options) as page:
        page.goto("/console/settings")
        assert not page.is_visible("#passkey-password")
        monkeypatch.setattr(second_factors, "FRESH", timedelta(0))
        page.fill("#passkey-name", "Desk")
        page.click("text=Add a passkey")
        page.wait_for_selector("#passkey-password")
        page.fill("#passkey-password", PASSWORD)
        page.click("text=Add a passkey")
        page.wait_for_selector("text=never used")


def test_the_same_device_is_not_registered_twice(service):
    with desk(service, login=service.alice.token) as page:
        add_passkey(page)
        page.fill("#passkey-name", "Again")
        page.click("text=Add a passkey")
        page.wait_for_selector("text=This device is registered already.")
    assert Passkey.objects.count() == 1


def test_an_app_is_set_up_and_asked_for(service):
    email = service.alice.user.email
    with desk(service, login=service.alice.token) as page:
        page.goto("/console/settings")
        page.click("button:has-text('Set up')")
        secret = page.inner_text(".enroll-key")
        page.fill("input[name=code]", pyotp.TOTP(secret).now())
        page.click("text=Turn it on")
        codes = page.locator("#codes li").all_inner_texts()
        assert len(codes) == 10

        page.context.clear_cookies()
        page.goto("/console/login?next=/console/settings")
        log_in(page, email)
        page.fill("input[name=code]", codes[0])
        page.click("button:has-text('Log in')")
        page.wait_for_url("**/console/settings")
        page.wait_for_selector("text=9 recovery codes are left")
    assert TotpDevice.objects.get().confirmed_at is not None


@pytest.mark.parametrize(
    ("purpose", "button"), [(LinkPurpose.VERIFY, "Verify"), (LinkPurpose.RESET, "Set password")]
)
def test_the_mailed_link_needs_a_button_and_leaves_no_token(service, purpose, button):
    _, token = mailed(service.alice.user, purpose, now=timezone.now())
    asked = []
    with desk(service) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"/console/{purpose.lower()}#{token}")
        page.wait_for_selector("input[name=code]", state="hidden")
        assert "#" not in page.url
        if purpose == LinkPurpose.RESET:
            page.fill("input[name=new_password]", f"{PASSWORD} anew")
        page.click(f"button:has-text('{button}')")
        page.wait_for_url("**/console/login")
    assert EmailProof.objects.get().used_at is not None
    assert not any(token in url.partition("#")[0] for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["settings", "verify", "forgot", "reset", "login"])
def test_the_pages_fit_a_phone(service, scheme, path):
    login = service.alice.token if path == "settings" else ""
    options = {"viewport": PHONE, "color_scheme": scheme}
    with desk(service, login=login, **options) as page:
        page.goto(f"/console/{path}")
        assert not scrolls_sideways(page)
