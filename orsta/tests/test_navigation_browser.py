"""The console's frame in Chromium: every entry of the navigation is within reach on a phone."""

import pytest

from accounts.tests.factories import make_login
from orsta.tests.e2e.browser import PHONE, chromium, scrolls_sideways, window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ENTRIES = ["Sessions", "Keys", "Billing", "Usage"]
SMALL = {"width": 320, "height": 568}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, SMALL], ids=["phone", "small phone"])
def test_every_entry_is_on_the_screen_of_a_phone(live_server, viewport, scheme):
    options = {"viewport": viewport, "color_scheme": scheme}
    login = make_login().token
    with (
        chromium() as browser,
        window(browser, live_server.url, login=login, **options) as page,
    ):
        page.goto("/console/usage")
        links = page.locator(".nav a")
        assert [text.strip() for text in links.all_inner_texts()] == ENTRIES
        for link in links.all():
            box = link.bounding_box()
            assert box["height"] >= 40
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= viewport["width"]
        assert page.locator(".nav").evaluate("nav => nav.scrollWidth <= nav.clientWidth")
        assert not scrolls_sideways(page)
