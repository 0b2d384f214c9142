"""What the console tells in passing, in Chromium: by a socket that the test plays.

`window` fails when a page logs an error, violates the policy, or asks another host.
"""

import json
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_login
from orsta.tests.e2e.browser import DESK, PHONE, chromium, scrolls_sideways, window
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import ADA, make_message
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = [
    pytest.param({"viewport": DESK, "color_scheme": "light"}, id="desk-light"),
    pytest.param({"viewport": PHONE, "color_scheme": "dark"}, id="phone-dark"),
]


@pytest.fixture
def alice() -> Any:
    """Somebody who may change sessions."""
    login = make_login(make_customer())
    User.objects.update(email_verified_at=timezone.now())
    return login


class Live:
    """The server's side of the page's socket."""

    def __init__(self, page: Any) -> None:
        self._seq, self._sockets = 0, list[Any]()
        page.route_web_socket("**/ws", self._open)

    def _open(self, socket: Any) -> None:
        self._sockets.append(socket)
        socket.send(json.dumps({"action": "connected", "data": {"seq": 0}}))

    def push(self, action: str, **data: Any) -> None:
        self._seq += 1
        self._sockets[-1].send(json.dumps({"action": action, "seq": self._seq, "data": data}))


@pytest.mark.parametrize("look", LOOKS)
def test_a_chat_tells_of_a_new_security_code_and_of_a_change_that_failed(
    alice: Any, live_server: Any, look: Any
) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)
    message = make_message(session, status=MessageStatus.SENT, text="See you at noon")
    mine = {"session_id": session.public_id}

    with (
        chromium() as browser,
        window(browser, live_server.url, login=alice.token, **look) as page,
    ):
        live = Live(page)
        page.goto(f"/console/sessions/{session.public_id}#{ADA}")
        page.wait_for_selector("li.bubble >> text=See you at noon")

        live.push("contact.security_code_changed", jid="15550100999@s.whatsapp.net", **mine)
        live.push("contact.security_code_changed", jid=ADA, **mine)
        page.wait_for_selector("li.bubble + li >> text=This contact's security code changed.")
        assert page.locator("text=This contact's security code changed.").count() == 1

        failed = {"message_id": message.public_id, "chat": ADA, "kind": "edit", **mine}
        live.push("message.change_failed", error="Too late.", outcome="failed", **failed)
        page.wait_for_selector("text=Your edit failed: Too late.")
        live.push("message.change_failed", error="No answer.", outcome="unknown", **failed)
        page.wait_for_selector("text=Your edit may not have gone through: No answer.")
        assert not scrolls_sideways(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_country_of_phone_numbers_is_set(alice: Any, live_server: Any, look: Any) -> None:
    with (
        chromium() as browser,
        window(browser, live_server.url, login=alice.token, **look) as page,
    ):
        page.goto("/console/workspace")
        page.fill("input[name=default_country]", "de")
        page.click("section:has(h2:text('Phone numbers')) button")
        page.wait_for_selector("text=The country of phone numbers was changed.")
        assert page.input_value("input[name=default_country]") == "DE"
        assert not scrolls_sideways(page)

    alice.tenant.refresh_from_db()
    assert alice.tenant.default_country == "DE"
