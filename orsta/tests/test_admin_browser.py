"""The admin as staff use it, in Chromium, under the strict policy.

`window` fails when a page logs an error, violates the policy, or asks another host.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from orsta.tests.e2e.browser import PHONE, chromium, scrolls_sideways, window
from orsta.tests.world import make_world
from sessions_app.messaging.tests.factories import make_message
from sessions_app.states import SessionStatus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"


@pytest.fixture
def service(live_server: Any) -> Any:
    """Return a running service with something to look at, and one member of staff."""
    world = make_world(SessionStatus.CONNECTED)
    for day in range(3):
        make_message(world.session, created_at=timezone.now() - timedelta(days=day))
    make_user("staff", is_staff=True, is_superuser=True, password=PASSWORD)
    live_server.world = world
    return live_server


def log_in(page: Any) -> None:
    page.goto("/admin/")
    page.fill("input[name=username]", "staff@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".orsta-kpi")


def wait_for(page: Any, expression: str) -> None:
    """Wait until it is true; `wait_for_function` would need `unsafe-eval` itself."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"It never happened: {expression}")


def test_staff_stop_a_session_and_rotate_a_key(service):
    world = service.world
    with chromium() as browser, window(browser, service.url) as page:
        log_in(page)
        drawn = (
            "document.querySelector('canvas').getContext('2d').getImageData(0,0,600,250).data"
        )
        wait_for(page, f"{drawn}.some(value => value !== 0)")

        page.goto(f"/admin/sessions_app/session/{world.session.pk}/change/")
        page.click("a:has-text('Stop')")
        page.click("#dialog button:has-text('Stop')")
        page.wait_for_selector("text=The session stops.")
        page.click("a:has-text('History') >> nth=-1")

        page.goto(f"/admin/accounts/tenant/{world.acme.pk}/change/")
        page.click("text='API key'")
        page.click("a:has-text('Rotate API key')")
        page.click("#dialog button:has-text('Rotate')")
        key = page.inner_text(".orsta-secret")
        page.click("#dialog >> text=Done")
        page.wait_for_load_state("networkidle")
        assert key not in page.content()

    world.session.refresh_from_db()
    assert world.session.desired == "STOPPED"
    assert key.startswith("ork_")


def test_everything_that_needs_a_script_works_without_eval(service):
    with chromium() as browser, window(browser, service.url) as page:
        log_in(page)
        is_dark = "document.documentElement.classList.contains('dark')"
        assert not page.evaluate(is_dark)
        page.keyboard.press("Control+e")
        page.keyboard.press("Control+e")
        wait_for(page, is_dark)

        page.keyboard.press("Control+k")
        page.wait_for_selector("input:focus")
        page.keyboard.type("payments")
        page.click("#command-results >> text=Payments")
        page.wait_for_url("**/admin/billing/payment/")

        page.goto("/admin/sessions_app/session/")
        page.click("text=Filters")
        page.click("#changelist-filter >> text=Logged out")
        page.wait_for_url("**status__exact=LOGGED_OUT**")

        page.goto("/admin/subscriptions/plan/")
        page.click("#result_list tbody a >> nth=0")
        page.fill("input[name=price_minor]", "1299")
        page.click("button[name=_continue]")
        page.wait_for_selector("text=was changed successfully")

        page.goto("/admin/accounts/user/")
        page.click("#result_list tbody a >> nth=0")
        page.click("text=Memberships")
        page.wait_for_selector("text=Superuser status", state="hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admin_fits_a_phone(service, scheme):
    options = {"viewport": PHONE, "color_scheme": scheme}
    with chromium() as browser, window(browser, service.url, **options) as page:
        log_in(page)
        assert not scrolls_sideways(page)

        page.click("span:has-text('dock_to_right'):visible")
        page.click("#nav-sidebar-apps a:has-text('Sessions'):visible")
        page.wait_for_url("**/admin/sessions_app/session/")
        assert not scrolls_sideways(page)
