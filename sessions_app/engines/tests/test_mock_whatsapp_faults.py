"""What WhatsApp does to a client arrives as the library's own events."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.neonize
ALICE = "5511900000001"
BOB = "5511900000002"


@pytest.fixture
def phone(whatsapp):
    return whatsapp.phone(ALICE)


@pytest.fixture
def client(link):
    return link(ALICE)


def test_a_removed_device_is_logged_out(client, phone):
    phone.remove_device()

    client.wait("LoggedOut")
    assert phone.linked_devices == []


def test_a_client_that_logs_out_is_unlinked(client, phone):
    client.order("logout")

    assert phone.linked_devices == []


def test_another_connection_replaces_a_client(client, phone):
    phone.replace()

    client.wait("StreamReplaced")


def test_a_temporary_ban_says_why_and_for_how_long(client, phone):
    phone.ban(code=104, seconds=600)

    ban = client.wait("TemporaryBan")
    assert ban["Code"] == "SENT_TOO_MANY_SAME_MESSAGE"
    assert ban["Expire"] == "600"


def test_a_dropped_client_comes_back(client, phone):
    phone.drop()

    client.wait("Disconnected")
    client.wait("Connected")


def test_a_restarted_stream_comes_back(client, phone):
    phone.restart_stream()

    client.wait("Connected")
    assert phone.online_devices == phone.linked_devices


@pytest.mark.parametrize("code", [401, 403, 406])
def test_a_refused_login_logs_the_client_out(code, client, phone):
    phone.fail(code)
    phone.drop()

    assert client.wait("LoggedOut")["OnConnect"] is True


def test_an_outdated_client_is_told(client, phone):
    phone.fail(405)
    phone.drop()

    client.wait("ClientOutdated")


@pytest.mark.parametrize(("code", "reason"), [(409, "BAD_USER_AGENT"), (501, "EXPERIMENTAL")])
def test_other_refusals_keep_their_code(code, reason, client, phone):
    phone.fail(code)
    phone.drop()

    assert client.wait("ConnectFailure")["Reason"] == reason
    assert phone.online_devices == []


@pytest.mark.parametrize("code", [413, 414, 415])
def test_an_expired_token_only_disconnects(code, client, phone):
    """The library asks for a new token, which its host can't give, and stays away."""
    phone.fail(code)
    phone.drop()

    client.wait("Disconnected")
    assert phone.online_devices == []


@pytest.mark.parametrize("code", [500, 503])
def test_a_broken_server_is_tried_again(code, client, phone):
    phone.fail(code)
    phone.drop()

    client.wait("Disconnected")
    client.wait("Connected")
    assert phone.online_devices == phone.linked_devices


def test_a_refused_message_carries_the_code(client, whatsapp, phone):
    from sessions_app.engines.tests.mock_whatsapp.client import Refused

    whatsapp.phone(BOB)
    phone.refuse_sends(463)

    with pytest.raises(Refused, match="463"):
        client.order("send_text", to=f"{BOB}@s.whatsapp.net", text="hello")


def test_a_silent_server_keeps_the_socket_and_answers_nothing(client, phone):
    phone.stop_answering()

    client.wait(
        "KeepAliveTimeout", seconds=60
    )  # a ping every 20 to 30 s, then 10 s of patience
    assert phone.online_devices == phone.linked_devices


def test_a_client_waits_for_a_server_out_of_reach(client, whatsapp, phone):
    whatsapp.cut_off()
    client.wait("Disconnected")
    assert phone.online_devices == []

    whatsapp.come_back()
    client.wait("Connected")


def test_new_clients_can_be_refused(whatsapp, make_client):
    whatsapp.refuse_new_clients(405)

    assert make_client().wait("LoginStatus") == "err-client-outdated"
