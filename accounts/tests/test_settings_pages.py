"""The console's pages about a person's password, factors and logins, without scripts."""

import re
from datetime import timedelta

import pyotp
import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import authentication
from accounts.models import (
    EmailProof,
    LinkPurpose,
    LoginSession,
    PendingLogin,
    TotpDevice,
    User,
)
from accounts.services import mail as mails
from accounts.services import passkeys, proofs
from accounts.tests.authenticator import ORIGIN, Authenticator
from accounts.tests.factories import PASSWORD, make_login, make_user
from accounts.tests.totp_apps import enroll
from accounts.views import settings as settings_views

pytestmark = pytest.mark.django_db
NEW = "another-secret-9"


@pytest.fixture
def alice(client):
    """Alice's browser; she has another login elsewhere."""
    login = make_login()
    make_login(login.tenant, login.user)
    client.cookies[authentication.COOKIE] = login.token
    client.login_ = login
    client.person = login.user
    return client


@pytest.fixture
def mailed(monkeypatch):
    """Keep what is mailed: the texts with their codes and links."""
    contexts = []
    queue = mails.queue

    def keep(*, context, **rest):
        contexts.append(context)
        return queue(context=context, **rest)

    monkeypatch.setattr(mails, "queue", keep)
    return contexts


def enroll_an_hour_ago(user):
    return enroll(user, now=timezone.now() - timedelta(hours=1))


def log_in(browser, user, **more):
    return browser.post("/console/login", {"email": user.email, "password": PASSWORD, **more})


def step_of(answer, code):
    """Return the second step of a login, filled in."""
    fields = dict(re.findall(r'name="(pending|next)" value="([^"]*)"', answer.content.decode()))
    return {**fields, "code": code}


def open_logins(user):
    return LoginSession.objects.filter(user=user, revoked_at=None).count()


def test_the_page_shows_what_there_is(alice):
    page = alice.get("/console/settings")

    text = page.content.decode()
    assert page.status_code == 200
    assert alice.person.email in text
    assert text.count("Unknown device</b>") == 2
    assert text.count("This one") == 1
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", text)


def test_the_page_shows_the_latest_of_very_many_logins(alice, monkeypatch):
    monkeypatch.setattr(settings_views, "_MAX_LISTED", 1)

    text = alice.get("/console/settings").content.decode()

    assert text.count("Unknown device</b>") == 1


def test_changing_the_password_ends_the_other_logins(alice):
    answer = alice.post(
        "/console/settings/password", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=alice.person.pk).check_password(NEW)
    assert open_logins(alice.person) == 1
    assert alice.get("/console/settings").status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"current_password": "wrong", "new_password": NEW}, 403),
        ({"current_password": PASSWORD, "new_password": "12345678"}, 400),
        ({"current_password": PASSWORD}, 400),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(alice, form, status):
    answer = alice.post("/console/settings/password", form)

    assert answer.status_code == status
    assert answer.context["password_form"].errors
    assert User.objects.get(pk=alice.person.pk).check_password(PASSWORD)
    assert open_logins(alice.person) == 2


def test_an_app_is_set_up_on_the_page(alice):
    alice.post("/console/settings/totp")
    device = TotpDevice.objects.get()
    assert device.secret in alice.get("/console/settings").content.decode()

    wrong = alice.post("/console/settings/totp/confirm", {"code": "1"})
    code = pyotp.TOTP(device.secret).now()
    right = alice.post("/console/settings/totp/confirm", {"code": code})

    assert wrong.status_code == 400
    assert right.content.decode().count("<li><code>") == 10
    assert "no-store" in right.headers["Cache-Control"]
    assert device.secret not in alice.get("/console/settings").content.decode()


def test_an_app_is_removed_with_the_password_alone(alice):
    enroll_an_hour_ago(alice.person)

    refused = alice.post("/console/settings/totp/off", {"password": "wrong"})
    assert refused.status_code == 403
    assert TotpDevice.objects.exists()

    assert alice.post("/console/settings/totp/off", {"password": PASSWORD}).status_code == 302
    assert not TotpDevice.objects.exists()


def test_new_recovery_codes_are_shown_once(alice):
    enroll_an_hour_ago(alice.person)

    assert alice.post("/console/settings/recovery-codes", {"password": "x"}).status_code == 403
    page = alice.post("/console/settings/recovery-codes", {"password": PASSWORD})

    assert page.content.decode().count("<li><code>") == 10


def test_a_login_with_an_app_takes_a_second_step(client):
    login = make_login()
    secret, _ = enroll_an_hour_ago(login.user)

    first = log_in(client, login.user, next="/console/settings")
    assert first.status_code == 200
    assert authentication.COOKIE not in client.cookies
    wrong = client.post("/console/login/second-factor", step_of(first, "abcde-fghij"))
    assert wrong.status_code == 401
    code = pyotp.TOTP(secret).now()
    right = client.post("/console/login/second-factor", step_of(wrong, code))

    assert (right.status_code, right.headers["Location"]) == (302, "/console/settings")
    assert client.get("/console/settings").status_code == 200


def test_the_second_step_leads_to_no_other_site(client):
    login = make_login()
    _, codes = enroll_an_hour_ago(login.user)
    first = log_in(client, login.user)

    step = step_of(first, codes[0]) | {"next": "https://evil.example/"}

    answer = client.post("/console/login/second-factor", step)
    assert answer.headers["Location"] == "/console/"
    assert PendingLogin.objects.get().used_at is not None


def test_one_login_ends_or_all_others(alice):
    other = LoginSession.objects.filter(user=alice.person).last()
    stranger = make_login()

    assert alice.post(f"/console/settings/logins/{stranger.row.public_id}").status_code == 404
    assert alice.post(f"/console/settings/logins/{other.public_id}").status_code == 302
    assert open_logins(alice.person) == 1

    make_login(alice.login_.tenant, alice.person)
    alice.post("/console/settings/logins/others")
    assert open_logins(alice.person) == 1
    assert open_logins(stranger.user) == 1
    assert alice.get("/console/settings").status_code == 200


def test_a_passkey_is_removed_by_its_owner_alone(alice, settings):
    settings.ORSTA_PUBLIC_URL = ORIGIN
    now = timezone.now()
    bob = make_user()
    rows = [
        passkeys.register(
            user=person,
            name=f"Key of {person.username}",
            answer=Authenticator().create(passkeys.begin_registration(user=person, now=now)),
            now=now,
        )
        for person in (alice.person, bob)
    ]
    text = alice.get("/console/settings").content.decode()
    assert f"Key of {alice.person.username}" in text
    assert f"Key of {bob.username}" not in text

    answers = [alice.post(f"/console/settings/passkeys/{row.public_id}") for row in rows]

    assert [answer.status_code for answer in answers] == [302, 404]
    assert list(passkeys.of(bob)) == [rows[1]]


def test_opening_the_mailed_link_verifies_nothing_until_the_button(client, mailed):
    alice = make_user()
    proofs.issue(user=alice, purpose=LinkPurpose.VERIFY, now=timezone.now())
    (token,) = re.findall(r"#(\w+)", mailed[0]["url"])

    client.get("/console/verify")
    assert EmailProof.objects.get().used_at is None

    answer = client.post("/console/verify", {"token": token})
    assert answer.headers["Location"] == "/console/login"
    assert User.objects.get(pk=alice.pk).email_verified_at is not None
    assert client.post("/console/verify", {"token": token}).status_code == 400


def test_verifying_with_the_code(client, mailed):
    alice = make_user()
    proofs.issue(user=alice, purpose=LinkPurpose.VERIFY, now=timezone.now())

    wrong = client.post("/console/verify", {"email": alice.email, "code": "x"})
    right = client.post("/console/verify", {"email": alice.email, "code": mailed[0]["code"]})

    assert (wrong.status_code, right.status_code) == (400, 302)
    assert client.post("/console/verify", {"email": alice.email}).status_code == 400


def test_asking_for_a_mail_looks_the_same_for_everybody(client):
    alice = make_user()

    for path in ("/console/verify/resend", "/console/forgot"):
        known, unknown = (
            client.post(path, {"email": email}) for email in (alice.email, "nobody@example.com")
        )
        assert known.headers["Location"] == unknown.headers["Location"]
        assert (known.status_code, unknown.status_code) == (302, 302)
    assert client.post("/console/forgot", {"email": "no"}).status_code == 400
    assert client.post("/console/verify/resend", {"email": "no"}).status_code == 400
    assert mail.outbox == []


def test_a_reset_ends_every_login(alice, mailed):
    proofs.issue(user=alice.person, purpose=LinkPurpose.RESET, now=timezone.now())
    (token,) = re.findall(r"#(\w+)", mailed[0]["url"])
    guest = Client()

    weak = guest.post("/console/reset", {"token": token, "new_password": "12345678"})
    good = guest.post("/console/reset", {"token": token, "new_password": NEW})

    assert (weak.status_code, good.status_code) == (400, 302)
    assert "The six digits in the mail." not in weak.content.decode()
    assert open_logins(alice.person) == 0
    assert User.objects.get(pk=alice.person.pk).check_password(NEW)


def test_somebody_unverified_is_told_what_to_do(alice, settings):
    settings.ORSTA_REQUIRE_VERIFIED_EMAIL = True

    assert "Your address is not verified yet" in alice.get("/console/settings").content.decode()
