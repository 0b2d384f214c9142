"""A session's settings and holds in Chromium, at a desk and on a phone, light and dark.

`window` fails when a page logs an error, violates the policy, or asks another host.
"""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_login
from orsta.tests.e2e.browser import DESK, PHONE, chromium, scrolls_sideways, window
from sessions_app.messaging.models import MessageCount
from sessions_app.states import Hold, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice() -> Any:
    """Somebody who may change sessions."""
    login = make_login(make_customer())
    User.objects.update(email_verified_at=timezone.now())
    return login


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_settings_are_changed_and_a_hold_is_explained(
    alice: Any, live_server: Any, viewport: Any, scheme: str
) -> None:
    session = make_session(
        tenant=alice.tenant,
        name="Support line",
        status=SessionStatus.STOPPED,
        jid="15550100001@s.whatsapp.net",
        hold=Hold.EXPIRED,
        messages_sent=1_204,
        messages_failed=3,
    )
    MessageCount.objects.create(
        session=session, kind="text", sent=1_204, failed=3, last_sent_at=timezone.now()
    )
    look = {"viewport": viewport, "color_scheme": scheme}

    with (
        chromium() as browser,
        window(browser, live_server.url, login=alice.token, **look) as page,
    ):
        page.route_web_socket("**/ws", lambda _: None)  # this server has none
        page.goto(f"/console/sessions/{session.public_id}")
        page.wait_for_selector("text=No plan runs, so this session is held.")
        assert page.is_hidden("[data-action=start]")
        assert not scrolls_sideways(page)

        page.click(".facts >> text=Settings")
        page.fill("input[name=session_name]", "Sales line")
        page.check("input[name=typing_enabled]")
        page.click("text=Save")
        page.wait_for_selector("text=Your changes are saved.")
        assert not scrolls_sideways(page)

        page.goto("/console/sessions")
        page.wait_for_selector("text=Held")
        assert not scrolls_sideways(page)

    session.refresh_from_db()
    assert (session.name, session.typing_enabled) == ("Sales line", True)
