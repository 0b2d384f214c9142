"""A phone links a session: by the QR code of the console, or by a code to type."""

import io

import pytest
import zxingcpp
from PIL import Image

from accounts.authentication import COOKIE
from accounts.tests.factories import make_login
from sessions_app.models import PairingChallenge
from sessions_app.runner.tests.neonize.rig import BEN, SECONDS, TUNED
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.states import SessionStatus as S

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]


def test_the_picture_that_the_console_shows_links_the_phone(ann, client):
    client.cookies[COOKIE] = make_login(ann.session.tenant).token
    with running(tuned=TUNED):
        ann.wait_for_code()
        picture = client.get(f"{ann.path}/qr?format=png")
        assert picture.headers["Cache-Control"] == "no-store"
        (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)))
        ann.phone.scan(code.text)
        ann.becomes(S.CONNECTED)
        page = client.get(f"/console/sessions/{ann.session.public_id}").content.decode()

    assert "Connected" in page
    assert len(ann.phone.linked_devices) == 1


def test_a_code_to_type_links_the_phone(ben):
    with running(tuned=TUNED):
        ben.becomes(S.PAIRING)
        asked = ben.post("pairing-code", phone=f"+{BEN}")
        assert asked["command"]["state"] == "QUEUED"
        typed = PairingChallenge.objects.filter(session=ben.session, kind="CODE")
        eventually(typed.exists, seconds=SECONDS)
        ben.phone.enter_code(ben.get("pairing-code")["code"])
        ben.becomes(S.CONNECTED)

    assert ben.session.jid == ben.phone.jid
    assert ben.steps().count(S.PAIRING) == 1
