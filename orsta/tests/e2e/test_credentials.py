"""What the API key, the login token and the cookie open, and what closes when they end."""

import uuid
from contextlib import closing

import pytest
from websockets.exceptions import InvalidStatus

from orsta.tests.e2e.client import Customer, Socket, assert_problem, eventually

REVOKED = 4401


def test_a_key_opens_nothing_until_it_is_paid_for(newcomer: Customer) -> None:
    assert_problem(newcomer.program.get("/v1/sessions"), 401, "api_key_inactive")

    refused = newcomer.person.post(
        "/billing/enable-api-key", {"payment_method": "tok_declined"}
    )
    assert_problem(refused, 402, "payment_declined")
    assert newcomer.person.get("/billing/api-key-status").json()["active"] is False
    assert newcomer.person.get("/billing/summary").json()["total_amount_spent_minor"] == 0
    assert newcomer.program.get("/v1/sessions").status_code == 401

    key = str(uuid.uuid4())
    paid = newcomer.person.post("/billing/enable-api-key", {"amount": 9.99}, key=key)
    again = newcomer.person.post("/billing/enable-api-key", {"amount": 9.99}, key=key)

    assert paid.status_code == again.status_code == 200
    assert paid.json() == again.json()
    assert paid.json()["amount_charged_minor"] == 999
    assert again.headers["idempotent-replayed"] == "true"
    assert newcomer.person.get("/billing/summary").json()["total_amount_spent_minor"] == 999
    assert newcomer.program.get("/v1/sessions").json() == {"sessions": [], "next_cursor": None}


def test_every_credential_opens_the_socket(customer: Customer) -> None:
    cookie = {"cookie": f"orsta_session={customer.cookie}", "origin": customer.url}
    offers = [
        cookie,
        {"authorization": f"Bearer {customer.token}"},
        {"x_api_key": customer.api_key},
    ]

    for headers in offers:
        with closing(Socket(customer.url, **headers)) as socket:
            assert socket.greeting["action"] == "connected"
            assert socket.ask("ping")["action"] == "pong"
            assert socket.ask("whoami")["data"]["tenant_id"].startswith("ten_")
            assert socket.send("no JSON")["error"] == "Invalid JSON message"
            assert socket.ask("dance")["error"] == "Unknown action: dance"
            assert socket.ask("ping")["action"] == "pong"

    bad = [{}, cookie | {"origin": "https://evil.example"}, {"x_api_key": "ork_wrong"}]
    for headers in bad:
        with pytest.raises(InvalidStatus, match="401"):
            Socket(customer.url, **headers)


def test_a_logout_closes_its_sockets_and_no_others(customer: Customer) -> None:
    bearer = {"authorization": f"Bearer {customer.token}"}

    with closing(Socket(customer.url, **bearer)) as theirs, customer.socket() as other:
        assert customer.person.post("/auth/logout").json() == {"ok": True}

        assert customer.person.get("/auth/me").status_code == 401
        assert theirs.close_code() == REVOKED
        assert other.ask("ping")["action"] == "pong"


def test_turning_the_key_off_closes_its_sockets(customer: Customer) -> None:
    bearer = {"authorization": f"Bearer {customer.token}"}

    with customer.socket() as theirs, closing(Socket(customer.url, **bearer)) as other:
        assert customer.person.post("/billing/disable-api-key").status_code == 200

        assert theirs.close_code() == REVOKED
        assert other.ask("ping")["action"] == "pong"

    with pytest.raises(InvalidStatus, match="401"):
        Socket(customer.url, x_api_key=customer.api_key)
    eventually(
        "the key is refused",
        lambda: customer.program.get("/v1/sessions").status_code == 401,
        seconds=5,
    )
