"""The main job as a person does it: in Chromium, through the console."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from orsta.tests.e2e.browser import (
    PHONE,
    chromium,
    code_on_screen,
    scrolls_sideways,
    tab_to,
    window,
)
from orsta.tests.e2e.client import PASSWORD, SECONDS, Customer, eventually
from orsta.tests.e2e.stack import Stack

pytestmark = pytest.mark.browser
expect.set_options(timeout=SECONDS * 1000)
FRIEND = "+1 415 555 0123"

OpenWindow = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this module."""
    with chromium() as running:
        yield running


@pytest.fixture
def customer(stack: Stack) -> Iterator[Customer]:
    """A customer who paid."""
    with closing(Customer(stack.base_url)) as paying:
        paying.pay()
        yield paying


@pytest.fixture
def open_window(browser: Browser, stack: Stack) -> Iterator[OpenWindow]:
    """Open windows of their own; when the test ends, nothing went wrong on any of them."""
    with ExitStack() as windows:
        yield lambda **options: windows.enter_context(
            window(browser, stack.base_url, **options)
        )


def sign_up(page: Page, name: str) -> str:
    """Sign up; return the key that the page shows."""
    page.goto("/console/signup")
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    return page.locator("#secret").inner_text()


def name_of(stack: Stack, test: str) -> str:
    return f"{test}-{stack.port}"


def expect_status(page: Page, label: str) -> None:
    expect(page.locator("[data-pill]")).to_have_text(label)


def expect_live(page: Page) -> None:
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")


def challenge_on_screen(page: Page) -> str:
    """Return the code that the picture shows, once it is the one that the API tells."""
    path = page.url.replace("/console/", "/v1/").split("#")[0] + "/qr"

    def same() -> str:
        told = page.request.get(path).json().get("qr")
        return code_on_screen(page) if told and code_on_screen(page) == told else ""

    return eventually("the picture is the code", same)


def scan(page: Page) -> None:
    """Press the button until the phone has scanned; at this speed codes soon run out."""
    pill = page.locator("[data-pill]")
    for _ in range(5):
        if pill.inner_text() == "Nobody scanned":
            page.get_by_role("button", name="Start").click()
        page.get_by_role("button", name="Simulate scan").click()
        expect(pill).to_have_text(re.compile("Connected|Nobody scanned"))
        if pill.inner_text() == "Connected":
            return
    pytest.fail("the session never connected")


def test_the_main_job_in_the_browser(open_window: OpenWindow, stack: Stack) -> None:
    page = open_window()
    assert re.fullmatch(r"ork_\w{12}_\w{49}", sign_up(page, name_of(stack, "ann")))
    page.get_by_role("link", name="Next: turn the key on").click()
    page.get_by_label("Test card").check()
    page.get_by_role("button", name="Pay 9.99 USD and turn on").click()
    expect(page.get_by_text("API key activated.")).to_be_visible()

    page.get_by_role("link", name="Go to your sessions").click()
    page.get_by_role("link", name="Create a session").click()
    page.get_by_label("Name").fill("Support line")
    page.get_by_role("button", name="Create session").click()
    page.evaluate("window.stayed = true")  # gone if anything below reloads the page

    first = challenge_on_screen(page)
    eventually("the next code came by itself", lambda: code_on_screen(page) not in {"", first})
    scan(page)
    expect(page.get_by_text("Messages go in and out.")).to_be_visible()

    page.get_by_role("tab", name="Contacts").click()
    expect(page.get_by_text("25 contacts synced")).to_be_visible()
    expect(page.locator("[data-contact-list] > li")).to_have_count(25)
    page.get_by_role("button", name="Write to").first.click()
    page.get_by_label("Message", exact=True).fill("Hello from Chromium")
    page.keyboard.press("Enter")
    sent = page.locator(".bubble", has_text="Hello from Chromium")
    expect(sent).to_have_attribute("data-status", "READ")
    expect(sent.get_by_label("Read")).to_be_visible()

    page.get_by_label("From").fill(FRIEND)
    page.get_by_label("Text").fill("Hello back")
    page.get_by_role("button", name="Simulate message").click()
    page.locator(".chat-item", has_text="Hello back").click()
    expect(page.locator(".bubble", has_text="Hello back")).to_be_visible()
    assert page.evaluate("window.stayed") is True


def test_a_declined_card_is_said_and_another_one_works(
    open_window: OpenWindow, stack: Stack
) -> None:
    page = open_window()
    sign_up(page, name_of(stack, "dan"))
    page.goto("/console/billing")

    page.get_by_label("Declined card").check()
    page.get_by_role("button", name="Pay").click()

    expect(page.get_by_role("alert")).to_contain_text("The card was declined.")
    expect(page.get_by_label("Declined card")).to_be_checked()
    page.get_by_label("Test card").check()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_text("API key activated.")).to_be_visible()


def test_the_keyboard_alone_does_the_main_job(open_window: OpenWindow, stack: Stack) -> None:
    page = open_window()
    page.goto("/console/signup")
    name = name_of(stack, "kim")
    for label, text in (
        ("User name", name),
        ("E-mail address", f"{name}@example.com"),
        ("Password", PASSWORD),
    ):
        tab_to(page, label)
        page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_be_visible()
    for control in ("Next: turn the key on", "Pay 9.99", "Go to your sessions", "Create a ses"):
        tab_to(page, control)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    tab_to(page, "Name")
    page.keyboard.type("By keyboard")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect_status(page, "Waiting for a scan")

    tab_to(page, "Simulate scan")
    page.keyboard.press("Space")
    expect_status(page, "Connected")
    tab_to(page, "Phone number for a new chat")
    page.keyboard.type(FRIEND)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("Without a mouse")
    page.keyboard.press("Enter")

    sent = page.locator(".bubble", has_text="Without a mouse")
    expect(sent).to_have_attribute("data-status", "READ")


def test_the_first_tab_skips_to_the_content(open_window: OpenWindow) -> None:
    page = open_window()
    page.goto("/console/login")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_no_page_scrolls_sideways_on_a_phone(
    open_window: OpenWindow, customer: Customer
) -> None:
    session_id = customer.connected_session("A name that is rather long for so small a screen")
    page = open_window(login=customer.cookie, viewport=PHONE, has_touch=True, is_mobile=True)
    session = f"/console/sessions/{session_id}"

    for path in (
        *("/", "/console/signup", "/console/login", "/console/billing", "/console/sessions"),
        *("/console/sessions/new", session),
    ):
        page.goto(path)
        assert not scrolls_sideways(page), path

    expect_live(page)
    page.get_by_label("Phone number for a new chat").fill(FRIEND)
    page.get_by_role("button", name="Open the chat").click()
    expect(page.get_by_role("button", name="Back to the chats")).to_be_visible()
    expect(page.get_by_label("Phone number for a new chat")).to_be_hidden()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Back to the chats").click()
    expect(page.get_by_label("Phone number for a new chat")).to_be_visible()


def test_dark_follows_the_system_until_the_toggle_decides(open_window: OpenWindow) -> None:
    page = open_window(color_scheme="dark")
    page.goto("/console/login")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)

    page.get_by_role("button", name="Switch between light and dark").click()
    light = page.evaluate(background)
    page.reload()

    assert (dark, light) == ("rgb(12, 19, 17)", "rgb(244, 247, 246)")
    assert page.evaluate(background) == light


def test_a_broken_connection_is_shown_and_nothing_is_missed(
    open_window: OpenWindow, customer: Customer
) -> None:
    session_id = customer.connected_session()
    page = open_window(login=customer.cookie)
    sockets: list[WebSocketRoute] = []
    cut = False

    def between(route: WebSocketRoute) -> None:
        if cut:
            route.close(code=1012)
            return
        route.connect_to_server()
        sockets.append(route)

    page.route_web_socket("**/ws", between)
    page.goto(f"/console/sessions/{session_id}")
    expect_live(page)

    cut = True
    sockets[-1].close(code=1012)
    expect(page.locator("[data-live]")).to_have_text("Reconnecting…")
    customer.program.post(
        f"/v1/sandbox/sessions/{session_id}/inbound", {"from": FRIEND, "text": "Meanwhile"}
    )
    cut = False

    expect_live(page)
    expect(page.locator(".chat-item", has_text="Meanwhile")).to_be_visible()


def test_a_session_of_somebody_else_is_not_found(
    open_window: OpenWindow, stack: Stack, customer: Customer
) -> None:
    session_id = customer.create_session("A secret name")
    with closing(Customer(stack.base_url)) as stranger:
        page = open_window(login=stranger.cookie)

        answer = page.goto(f"/console/sessions/{session_id}")

        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        expect(page.get_by_text("A secret name")).to_have_count(0)


def test_logging_out_elsewhere_ends_the_open_page(
    open_window: OpenWindow, customer: Customer
) -> None:
    page = open_window(login=customer.cookie)
    page.goto("/console/sessions")
    expect_live(page)

    customer.person.post("/auth/logout")

    # The page may notice it twice, and then begins to leave twice.
    expect(page).to_have_url(re.compile(r"/console/login\?next="))
