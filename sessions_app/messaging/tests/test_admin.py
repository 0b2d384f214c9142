"""Staff find messages among millions."""

import pytest

from accounts.tests.factories import make_user
from sessions_app.messaging.tests.factories import make_message
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

LIST = "/admin/messaging/message/"


@pytest.fixture
def staff(client):
    client.force_login(make_user("staff", is_staff=True, is_superuser=True))
    return client


def test_a_message_is_found_by_each_of_its_ids(staff):
    session = make_session(status=SessionStatus.CONNECTED)
    message = make_message(session, wa_id="WA1", chat="1@lid")
    other = make_message(make_session(status=SessionStatus.CONNECTED))

    for term in (message.public_id, session.public_id, "WA1", "1@lid", " 1@lid "):
        page = staff.get(LIST, {"q": term}).content.decode()
        assert message.public_id in page
        assert other.public_id not in page


def test_texts_are_not_in_the_list_but_on_the_messages_page(staff):
    message = make_message(make_session(), text="between us")

    assert "between us" not in staff.get(LIST).content.decode()
    assert "between us" in staff.get(f"{LIST}{message.pk}/change/").content.decode()


def test_nobody_writes_messages_by_hand(staff):
    message = make_message(make_session(), text="between us")

    assert staff.get(f"{LIST}add/").status_code == 403
    assert staff.post(f"{LIST}{message.pk}/change/", {"text": "x"}).status_code == 403
    assert staff.post(f"{LIST}{message.pk}/delete/", {"post": "yes"}).status_code == 403

    message.refresh_from_db()
    assert message.text == "between us"
