"""A phone links a session by the QR code on the console's page."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from playwright.sync_api import expect

from accounts.tests.factories import make_login
from orsta.asgi import application
from orsta.tests.e2e.browser import chromium, code_on_screen, window
from sessions_app.runner.tests.neonize.rig import SECONDS, TUNED, Shop
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.states import SessionStatus

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.browser,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def site() -> Iterator[str]:
    """Return the address of a web server, pages and socket alike."""
    config = uvicorn.Config(
        ASGIStaticFilesHandler(application),
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_the_code_on_the_consoles_page_links_the_phone(
    ann: Shop, site: str, drain_outbox: Callable[[], int], monkeypatch: Any
) -> None:
    # Playwright's loop lives in this thread, which asks the database between its steps.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    login = make_login(ann.session.tenant)
    look = {"login": login.token, "refused_path": f"{ann.path}/qr"}  # there is none at first

    with (
        running(tuned=TUNED),
        chromium() as browser,
        window(browser, site, **look) as page,
    ):
        page.goto(f"/console/sessions/{ann.session.public_id}")
        page.evaluate("window.stayed = true")  # gone if the page is loaded anew
        code = ann.wait_for_code()
        drain_outbox()
        eventually(lambda: code_on_screen(page) == code)
        ann.phone.scan(code_on_screen(page))
        ann.becomes(SessionStatus.CONNECTED)
        drain_outbox()
        expect(page.locator("[data-pill]")).to_have_text("Connected", timeout=SECONDS * 1000)
        assert page.evaluate("window.stayed")

    assert len(ann.phone.linked_devices) == 1
