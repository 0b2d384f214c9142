"""Real neonize clients link to the mock server as they would to WhatsApp."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.neonize
ALICE = "5511900000001"
BOB = "5511900000002"


def test_a_scanned_qr_code_links_a_client(whatsapp, make_client):
    client = make_client()

    whatsapp.phone(ALICE).scan(client.wait("QrCode"))

    assert client.wait("PairStatus")["ID"]["User"] == ALICE
    client.wait("Connected")
    assert whatsapp.phone(ALICE).linked_devices == [f"{ALICE}:1@s.whatsapp.net"]
    assert whatsapp.phone(ALICE).online_devices == [f"{ALICE}:1@s.whatsapp.net"]


def test_a_pairing_code_links_a_client(whatsapp, make_client):
    client = make_client()
    client.wait("QrCode")

    code = client.order("pair_code", number=ALICE)
    whatsapp.phone(ALICE).enter_code(code)

    assert client.wait("PairStatus")["ID"]["User"] == ALICE
    client.wait("Connected")


def test_a_wrong_pairing_code_links_nothing(whatsapp, make_client):
    from sessions_app.engines.tests.mock_whatsapp.linkcodes import PairingCodeWrong

    client = make_client()
    client.wait("QrCode")
    client.order("pair_code", number=ALICE)

    with pytest.raises(PairingCodeWrong):
        whatsapp.phone(ALICE).enter_code("1111-1111")

    assert whatsapp.phone(ALICE).linked_devices == []


def test_a_pairing_code_is_for_one_number(whatsapp, make_client):
    from sessions_app.engines.tests.mock_whatsapp.pairing import PairingCodeUnknown

    client = make_client()
    client.wait("QrCode")
    code = client.order("pair_code", number=ALICE)

    with pytest.raises(PairingCodeUnknown):
        whatsapp.phone(BOB).enter_code(code)


def test_a_linked_client_returns_without_a_qr_code(whatsapp, link, make_client):
    client = link(ALICE, store="alice.db")
    client.kill()

    returned = make_client(jid=f"{ALICE}:1@s.whatsapp.net", store="alice.db")

    returned.wait("Connected")
    assert not [one for one in returned.events if one["event"] == "QrCode"]


def test_a_qr_code_nobody_shows_is_refused(whatsapp):
    from sessions_app.engines.tests.mock_whatsapp.pairing import QrCodeUnknown

    with pytest.raises(QrCodeUnknown):
        whatsapp.phone(ALICE).scan("https://wa.me/settings/linked_devices#ref,a,b,c,1")


def test_an_account_with_a_passkey_is_challenged(whatsapp, make_client):
    client = make_client()
    whatsapp.phone(ALICE).require_passkey()

    whatsapp.phone(ALICE).scan(client.wait("QrCode"))

    assert client.wait("LoginStatus") == "passkey-request"
    assert whatsapp.phone(ALICE).linked_devices == []
