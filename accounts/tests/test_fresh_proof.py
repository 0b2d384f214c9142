"""A login that is a while old shows again who it is before a factor is added."""

from datetime import timedelta

import pyotp
import pytest
from django.utils import timezone

from accounts import authentication
from accounts.models import Ceremony, LoginSession, TotpDevice
from accounts.services import second_factors, totp
from accounts.tests.clients import api_of
from accounts.tests.factories import PASSWORD, make_login, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("domain")]
PATHS = ["/auth/totp", "/auth/passkeys/options"]


@pytest.fixture
def alice():
    """Alice's program, with a login of 15 minutes ago."""
    login = make_login()
    client = api_of(login)
    client.person, client.row, client.token = login.user, login.row, login.token
    age(login.row, second_factors.FRESH)
    return client


def age(row, duration):
    LoginSession.objects.filter(pk=row.pk).update(created_at=timezone.now() - duration)


def nothing_began():
    return not TotpDevice.objects.exists() and not Ceremony.objects.exists()


@pytest.mark.parametrize("path", PATHS)
def test_a_fresh_login_is_proof_enough(alice, path):
    age(alice.row, second_factors.FRESH - timedelta(seconds=30))

    assert alice.post(path).status_code in {200, 201}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("proof", [{}, {"password": "wrong"}, {"code": "123456"}])
def test_an_older_one_without_proof_is_refused(alice, path, proof):
    answer = alice.post(path, proof)

    assert (answer.status_code, answer.json()["code"]) == (403, "not_proven")
    assert nothing_began()


@pytest.mark.parametrize("path", PATHS)
def test_the_password_is_proof(alice, path):
    assert alice.post(path, {"password": PASSWORD}).status_code in {200, 201}


def test_a_code_of_the_app_is_proof_for_a_passkey(alice):
    past = timezone.now() - timedelta(minutes=5)
    secret = totp.begin(user=alice.person, now=past).secret
    totp.confirm(user=alice.person, code=pyotp.TOTP(secret).at(past), now=past)

    answer = alice.post("/auth/passkeys/options", {"code": pyotp.TOTP(secret).now()})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_the_proof_is_one_thing(alice, path):
    assert alice.post(path, {"password": PASSWORD, "code": "123456"}).status_code == 400
    assert nothing_began()


def test_guesses_count_with_all_the_others(alice, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"code_account": "2/60"}

    codes = [alice.post(path, {"password": "wrong"}).status_code for path in PATHS]
    answer = alice.post("/auth/totp", {"password": PASSWORD})

    assert codes == [403, 403]
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert nothing_began()


def test_asking_without_a_proof_is_no_guess(alice, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"code_account": "1/60"}

    assert [alice.post("/auth/totp").status_code for _ in range(3)] == [403] * 3
    assert alice.post("/auth/totp", {"password": PASSWORD}).status_code == 201


def test_somebody_elses_fresh_login_is_no_proof(alice):
    other = make_login(user=make_user())

    assert not second_factors.is_fresh(
        user=alice.person, login_id=other.row.public_id, now=timezone.now()
    )


def test_a_secret_that_nobody_confirmed_is_not_shown_or_confirmed_later():
    bob, now = make_user(), timezone.now()
    secret = totp.begin(user=bob, now=now).secret
    later = now + totp.LIFETIME

    assert totp.waiting(bob, now=later) is None
    with pytest.raises(totp.TotpNotStarted):
        totp.confirm(user=bob, code=pyotp.TOTP(secret).at(later), now=later)
    assert totp.begin(user=bob, now=later).secret != secret


def test_the_page_asks_for_the_password_once_the_login_is_old(client, alice):
    client.cookies[authentication.COOKIE] = alice.token
    page = client.get("/console/settings").content.decode()
    assert 'id="add_password"' in page
    assert "data-passkey-proof hidden" not in page

    for wrong, status in (({}, 400), ({"password": "wrong"}, 403)):
        refused = client.post("/console/settings/totp", wrong)
        assert refused.status_code == status
        assert refused.context["add_form"].errors
    assert nothing_began()

    assert client.post("/console/settings/totp", {"password": PASSWORD}).status_code == 302
    assert TotpDevice.objects.exists()


def test_the_page_asks_a_fresh_login_for_nothing(client, alice):
    client.cookies[authentication.COOKIE] = alice.token
    age(alice.row, timedelta(0))

    page = client.get("/console/settings").content.decode()

    assert 'id="add_password"' not in page
    assert "data-passkey-proof hidden" in page
