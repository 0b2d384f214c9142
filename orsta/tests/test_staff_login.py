"""How staff get into the admin."""

from datetime import timedelta

import pyotp
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, TotpDevice
from accounts.services import totp
from accounts.tests.factories import PASSWORD, make_user
from orsta.core import limits

pytestmark = pytest.mark.django_db
SET_UP = "/admin/second-factor"


@pytest.fixture
def staff():
    return make_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def required(settings):
    settings.ORSTA_REQUIRE_STAFF_FACTOR = True


def enroll(user):
    """Set an app up an hour ago; return its secret and the recovery codes."""
    past = timezone.now() - timedelta(hours=1)
    secret = totp.begin(user=user, now=past).secret
    return secret, totp.confirm(user=user, code=pyotp.TOTP(secret).at(past), now=past)


def log_in(client, user, *, code="", password=PASSWORD):
    form = {"username": user.email, "password": password, "code": code, "next": "/admin/"}
    return client.post("/admin/login/", form)


def is_in(client):
    return client.get("/admin/").status_code == 200


def test_the_password_is_enough_for_staff_without_an_app(client, staff):
    assert log_in(client, staff).status_code == 302
    assert is_in(client)


def test_staff_who_come_by_themselves_end_up_at_the_admin(client, staff):
    answer = client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})

    assert answer.headers["Location"] == "/admin/"


def test_staff_with_an_app_show_a_code(client, staff):
    secret, _ = enroll(staff)

    refused = log_in(client, staff)
    assert "Enter the code of your authenticator app too." in refused.content.decode()
    assert log_in(client, staff, code="000000").status_code == 200
    assert not is_in(client)

    assert log_in(client, staff, code=pyotp.TOTP(secret).now()).status_code == 302
    assert is_in(client)


def test_a_recovery_code_lets_staff_in_once(staff):
    _, codes = enroll(staff)

    assert log_in(Client(), staff, code=codes[0]).status_code == 302
    assert log_in(Client(), staff, code=codes[0]).status_code == 200


def test_a_code_does_not_help_a_wrong_password(client, staff):
    secret, _ = enroll(staff)
    code = pyotp.TOTP(secret).now()

    assert log_in(client, staff, code=code, password="wrong").status_code == 200

    assert (
        TotpDevice.objects.get().last_step
        < totp.STEP.total_seconds() * timezone.now().timestamp()
    )
    assert log_in(client, staff, code=code).status_code == 302


def test_guessing_staff_passwords_is_limited(client, staff):
    for _ in range(limits.policy_of("login_account").limit):
        log_in(client, staff, password="wrong")

    refused = log_in(client, staff)

    assert "Rate limit exceeded" in refused.content.decode()
    assert not is_in(client)


def test_staff_without_an_app_get_nowhere_but_to_one(client, staff, required):
    log_in(client, staff)

    for page in ("/admin/", "/admin/accounts/user/", "/admin/password_change/"):
        answer = client.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (302, SET_UP)
    assert client.get(SET_UP).status_code == 200


def test_setting_an_app_up_opens_the_admin(client, staff, required):
    log_in(client, staff)
    assert client.post(SET_UP).status_code == 302
    device = TotpDevice.objects.get()
    page = client.get(SET_UP)
    assert device.secret in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]

    wrong = client.post(SET_UP, {"code": "abc"})
    right = client.post(SET_UP, {"code": pyotp.TOTP(device.secret).now()})

    assert wrong.status_code == 400
    assert right.content.decode().count("<li><code>") == 10
    assert device.secret not in client.get(SET_UP).content.decode()
    assert is_in(client)


def test_a_login_older_than_the_app_has_to_show_it(client, staff, required):
    log_in(client, staff)
    secret, _ = enroll(staff)

    answer = client.get("/admin/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/")
    log_in(client, staff, code=pyotp.TOTP(secret).now())
    assert is_in(client)


def test_changing_to_another_person_keeps_what_was_shown(client, staff, required):
    other = make_user("other", is_staff=True, is_superuser=True)
    secrets = {person.pk: enroll(person)[0] for person in (staff, other)}

    for person in (staff, other):
        log_in(client, person, code=pyotp.TOTP(secrets[person.pk]).now())
        assert is_in(client)


def test_customers_cannot_set_an_app_up_here(client):
    client.force_login(make_user())

    assert client.get(SET_UP).status_code == 302
    assert client.post(SET_UP).status_code == 302
    assert not TotpDevice.objects.exists()


def test_staff_remove_a_lost_app(client, staff):
    alice = make_user()
    enroll(alice)
    log_in(client, staff)

    client.post(
        reverse("admin:accounts_user_remove_totp", args=[alice.pk]), {"_form_submitted": "True"}
    )

    assert not totp.is_enabled(alice)
    entry = AuditEntry.objects.get(action="totp.disabled")
    assert (entry.actor, entry.target) == (staff.public_id, alice.public_id)
