"""The main job from outside: sign up, pay, pair, talk, and what nobody else may see of it."""

import io
from contextlib import closing

import httpx
import zxingcpp
from PIL import Image

from orsta.tests.e2e.client import Client, Customer, Json, assert_problem, eventually
from orsta.tests.e2e.stack import Stack

FRIEND = "+14155550123"
FRIEND_JID = "14155550123@s.whatsapp.net"


def of_message(events: list[Json], message_id: str) -> list[str]:
    return [e["action"] for e in events if e["data"].get("message_id") == message_id]


def assert_gapless(events: list[Json]) -> None:
    """Look from the first session on: of the payment before that a program does not hear."""
    assert len({event["event_id"] for event in events}) == len(events)
    begin = next(n for n, event in enumerate(events) if event["action"] == "session.created")
    first, heard = events[begin]["seq"], events[begin:]
    assert [event["seq"] for event in heard] == list(range(first, first + len(heard)))


def test_the_main_job(customer: Customer) -> None:
    with customer.socket() as socket:
        session_id = customer.create_session("marketing")
        path = f"/v1/sessions/{session_id}"
        socket.until("session.created", session_id=session_id, name="marketing")
        socket.until("session.status.starting", session_id=session_id)
        shown = socket.until("session.qr.updated", session_id=session_id)
        assert shown["data"]["seq"] == 1

        assert_the_picture_says_the_code(customer, path)
        customer.scan(session_id, contacts=30)
        socket.until("session.status.connected", session_id=session_id)
        session = customer.program.get(path).json()["session"]
        assert (session["connected"], session["status"]) == (True, "CONNECTED")
        assert_problem(customer.program.get(f"{path}/qr"), 409, "qr_not_ready")

        assert customer.program.post(f"{path}/contacts/sync").status_code == 202
        synced = socket.until("contacts.synced", session_id=session_id)
        contacts = customer.pages(f"{path}/contacts", "contacts", sync="false")
        assert synced["data"]["count"] == len(contacts) == 30
        assert len({contact["jid"] for contact in contacts}) == 30

        answer = customer.program.post(f"{path}/messages", {"to": FRIEND, "text": "Hello"})
        message = answer.json()["message"]
        assert (answer.status_code, message["status"]) == (202, "QUEUED")
        socket.until("message.read", message_id=message["id"])
        assert of_message(socket.events, message["id"]) == [
            "message.queued",
            "message.sent",
            "message.delivered",
            "message.read",
        ]
        found = customer.program.get(f"{path}/messages/{message['id']}").json()["message"]
        assert (found["status"], found["chat"]) == ("READ", FRIEND_JID)
        assert found["sent_at"] <= found["delivered_at"] <= found["read_at"]

        play = f"/v1/sandbox/sessions/{session_id}/inbound"
        customer.program.post(play, {"from": FRIEND, "text": "Hi!"})
        received = socket.until("message.received", session_id=session_id)
        assert received["data"]["text"] == "Hi!"
        listed = customer.program.get(f"{path}/messages").json()["messages"]
        assert [(row["direction"], row["text"]) for row in listed] == [
            ("INBOUND", "Hi!"),
            ("OUTBOUND", "Hello"),
        ]

        assert socket.events[0]["seq"] > socket.greeting["data"]["seq"]
        assert_gapless(socket.events)


def assert_the_picture_says_the_code(customer: Customer, path: str) -> None:
    """Read the code as text and as a picture; it may rotate between the two."""

    def both_say_the_same() -> bool:
        text = customer.program.get(f"{path}/qr")
        picture = customer.program.get(f"{path}/qr", format="png")
        if text.status_code != 200 or picture.status_code != 200:
            return False
        assert picture.headers["content-type"] == "image/png"
        assert picture.headers["cache-control"] == "no-store"
        # Noise in the squares can pass for a barcode of another kind.
        (code,) = zxingcpp.read_barcodes(
            Image.open(io.BytesIO(picture.content)), formats=zxingcpp.BarcodeFormat.QRCode
        )
        return bool(code.text == text.json()["qr"])

    eventually("the picture says what the text says", both_say_the_same)


def test_a_socket_sends_messages(customer: Customer) -> None:
    session_id = customer.connected_session()

    with customer.socket() as socket:
        payload = {"session_id": session_id, "to": FRIEND, "text": "Hello"}
        reply = socket.ask("message.send", payload)
        assert reply["data"]["status"] == "QUEUED"
        socket.until("message.read", message_id=reply["data"]["message_id"])

        assert socket.ask("session.stop", {"session_id": session_id})["data"]["desired"] == (
            "STOPPED"
        )
        socket.until("session.status.stopped")
        assert socket.ask("message.send", payload)["code"] == "session_not_ready"
        socket.ask("session.start", {"session_id": session_id})
        socket.until("session.status.connected")


def test_a_client_that_was_away_gets_the_same_events(customer: Customer) -> None:
    with customer.socket() as socket:
        before = socket.greeting["data"]["seq"]
        session_id = customer.connected_session()
        socket.until("session.status.connected", session_id=session_id)
        seen = list(socket.events)

    with customer.socket() as back:
        reply = back.ask("resume", {"after": before})

    assert reply["action"] == "resumed"
    assert (reply["data"]["complete"], reply["data"]["lost"]) == (True, 0)
    assert back.events[: len(seen)] == seen
    assert_gapless(back.events)


def test_the_plan_limits_sessions(customer: Customer) -> None:
    made = [customer.create_session(f"session {number}") for number in range(3)]

    refused = customer.program.post("/v1/sessions", {"session_name": "one too many"})

    assert_problem(refused, 403, "session_limit_reached")
    assert refused.json()["limit"] == 3
    assert len(customer.program.get("/v1/sessions").json()["sessions"]) == 3
    assert customer.program.delete(f"/v1/sessions/{made[0]}").json() == {
        "ok": True,
        "id": made[0],
    }
    customer.create_session("in its place")


def test_another_tenant_sees_nothing_of_it(customer: Customer, stranger: Customer) -> None:
    session_id = customer.connected_session()
    path = f"/v1/sessions/{session_id}"
    message = {"to": FRIEND, "text": "Hello"}
    message_id = customer.program.post(f"{path}/messages", message).json()["message"]["id"]

    with stranger.socket() as socket:
        others = stranger.program
        answers = [
            others.get(path),
            others.put(path, {"session_name": "mine now"}),
            others.delete(path),
            others.get(f"{path}/qr"),
            others.get(f"{path}/transitions"),
            others.get(f"{path}/contacts"),
            others.get(f"{path}/contacts/sync"),
            others.post(f"{path}/contacts/sync"),
            others.get(f"{path}/messages"),
            others.get(f"{path}/messages/{message_id}"),
            others.post(f"{path}/messages", message),
            *(others.post(f"{path}/{action}") for action in ("start", "stop", "reconnect")),
            others.post(f"/v1/sandbox/sessions/{session_id}/scan", {}),
            others.post(
                f"/v1/sandbox/sessions/{session_id}/inbound", {"from": FRIEND, "text": "x"}
            ),
            others.post(f"/v1/sandbox/sessions/{session_id}/fault", {"kind": "drop"}),
        ]
        for answer in answers:
            assert_problem(answer, 404, "session_not_found")
        for action in ("session.start", "session.stop", "session.reconnect"):
            reply = socket.ask(action, {"session_id": session_id})
            assert reply["code"] == "session_not_found"
        reply = socket.ask("message.send", {"session_id": session_id, **message})
        assert reply["code"] == "session_not_found"
        with customer.socket() as own:
            customer.program.post(
                f"/v1/sandbox/sessions/{session_id}/inbound", {"from": FRIEND, "text": "Hi!"}
            )
            own.until("message.received", session_id=session_id)
        socket.listen(seconds=1)
        assert socket.events == []

    assert stranger.program.get("/v1/sessions").json()["sessions"] == []
    assert customer.status_of(session_id) == "CONNECTED"


def test_the_probes_and_the_metrics_answer(stack: Stack) -> None:
    with closing(Client(stack.base_url)) as client:
        assert client.get("/").json()["service"] == "orsta"
        assert client.get("/health").json() == {"status": "healthy"}
        ready = client.get("/readyz").json()
        metrics = client.get("/metrics").text

    assert ready["status"] == "ready"
    assert set(ready["checks"]) == {"database", "redis", "outbox", "runner"}
    assert all(check["ok"] for check in ready["checks"].values())
    for name in ("orsta_http_requests_total", "orsta_sessions{", "orsta_websockets"):
        assert f"\n{name}" in metrics


def test_staff_see_the_session(stack: Stack, customer: Customer) -> None:
    session_id = customer.connected_session("seen by staff")
    staff = stack.credentials["staff"]

    with httpx.Client(base_url=stack.base_url, trust_env=False, timeout=30) as browser:
        assert browser.get("/admin/").status_code == 302
        browser.get("/admin/login/")
        form = {
            "username": staff["email"],
            "password": staff["password"],
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "next": "/admin/",
        }
        entered = browser.post(
            "/admin/login/", data=form, headers={"referer": f"{stack.base_url}/admin/login/"}
        )
        assert (entered.status_code, entered.headers["location"]) == (302, "/admin/")
        page = browser.get("/admin/sessions_app/session/", params={"q": session_id})

    assert page.status_code == 200
    assert "seen by staff" in page.text
