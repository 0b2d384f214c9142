"""A phone links a session by a code to type; `orsta.tests.neonize` shows it the QR code."""

import pytest

from sessions_app.models import PairingChallenge
from sessions_app.runner.tests.neonize.rig import BEN, SECONDS, TUNED
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.states import SessionStatus as S

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]


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
