"""`/v1/sessions/{id}/qr`: the code as text and as a picture."""

import io
from datetime import timedelta
from typing import Any

import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from sessions_app.models import PairingChallenge, Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import client_of, make_customer, make_session

pytestmark = pytest.mark.django_db

# As long as WhatsApp's own: a reference and three keys.
CHALLENGE = "2@" + "aB3/dE+6" * 12 + "==," + ",".join(["Zm9vYmFyYmF6cXV4" * 2 + "="] * 3)


@pytest.fixture
def session() -> Session:
    """A session that waits for a scan."""
    return make_session(tenant=make_customer(), status=SessionStatus.PAIRING)


@pytest.fixture
def alice(session: Session) -> APIClient:
    """A program of the session's owner."""
    return client_of(session.tenant)


def show(session: Session, *, seconds: float = 20) -> PairingChallenge:
    """Give the session a code that is valid for so long."""
    now = timezone.now()
    return PairingChallenge.objects.create(
        session=session,
        text=CHALLENGE,
        seq=3,
        issued_at=now,
        expires_at=now + timedelta(seconds=seconds),
    )


def path_of(session: Session) -> str:
    """Return where the session's code is."""
    return f"/v1/sessions/{session.public_id}/qr"


def test_the_code_as_text(alice: APIClient, session: Session) -> None:
    challenge = show(session, seconds=20)

    response = alice.get(path_of(session))

    answer = response.json()
    assert response.status_code == 200
    assert (answer["qr"], answer["seq"]) == (CHALLENGE, 3)
    assert answer["valid_for_seconds"] == 19
    assert answer["expires_at"] == challenge.expires_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "ask", [{"query_params": {"format": "png"}}, {"headers": {"accept": "image/png"}}]
)
def test_the_picture_says_the_same(
    alice: APIClient, session: Session, ask: dict[str, Any]
) -> None:
    show(session)

    response = alice.get(path_of(session), **ask)

    picture = Image.open(io.BytesIO(response.content))
    (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    assert response.headers["Content-Type"] == "image/png"
    assert picture.format == "PNG"
    assert code.text == CHALLENGE


@pytest.mark.parametrize(
    "ask", [{"query_params": {"format": "svg"}}, {"headers": {"accept": "image/svg+xml"}}]
)
def test_the_code_as_svg(alice: APIClient, session: Session, ask: dict[str, Any]) -> None:
    show(session)

    response = alice.get(path_of(session), **ask)

    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.content.startswith(b"<?xml")
    assert b"<svg" in response.content


@pytest.mark.parametrize("query", ["", "?format=json", "?format=png", "?format=svg"])
def test_no_cache_keeps_it(alice: APIClient, session: Session, query: str) -> None:
    show(session)

    assert alice.get(path_of(session) + query).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("query", ["", "?format=png", "?format=svg"])
def test_a_code_that_ran_out_is_not_shown(
    alice: APIClient, session: Session, query: str
) -> None:
    show(session, seconds=-1)

    response = alice.get(path_of(session) + query)

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json()["code"] == "qr_not_ready"


@pytest.mark.parametrize(
    "status", [status for status in SessionStatus if status != SessionStatus.PAIRING]
)
def test_only_a_session_that_waits_shows_a_code(
    alice: APIClient, session: Session, status: SessionStatus
) -> None:
    show(session)
    Session.objects.filter(pk=session.pk).update(
        status=status, jid="15550100001@s.whatsapp.net"
    )

    response = alice.get(path_of(session))

    assert response.status_code == 409
    assert response.json()["code"] == "qr_not_ready"


def test_an_unknown_format_is_refused(alice: APIClient, session: Session) -> None:
    show(session)

    response = alice.get(path_of(session) + "?format=gif")

    assert response.status_code == 406
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_browsers_accept_header_gets_json(alice: APIClient, session: Session) -> None:
    show(session)
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    response = alice.get(path_of(session), headers={"accept": accept})

    assert response.json()["qr"] == CHALLENGE
