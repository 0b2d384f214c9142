"""What staff do to customers, and the trace it leaves."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import selectors
from accounts.models import AuditEntry, ServiceKey, Tenant
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_service_key,
    make_tenant,
    make_user,
)

pytestmark = pytest.mark.django_db
SUBMITTED = {"_form_submitted": "True"}
SECRET = re.compile(r'<code class="orsta-secret">([^<]+)</code>')


@pytest.fixture
def staff():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff) -> Client:
    browser = Client()
    browser.force_login(staff)
    return browser


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:accounts_{model}_{page}", args=args)


def last_entry() -> tuple[str, str, str]:
    entry = AuditEntry.objects.order_by("-pk").first()
    return entry.action, entry.actor, entry.target


def test_a_rotated_key_is_shown_once_and_works(client, staff):
    old = make_api_key()
    tenant = old.row.tenant

    response = client.post(url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    (text,) = SECRET.findall(response.content.decode())
    now = timezone.now()
    assert selectors.principal_of_api_key(text, now=now).tenant == tenant
    assert selectors.principal_of_api_key(old.text, now=now) is None
    current = selectors.current_api_key(tenant=tenant)
    assert last_entry() == ("api_key.rotated", staff.public_id, current.public_id)
    assert LogEntry.objects.get().user_id == staff.pk
    assert text not in str(LogEntry.objects.get().get_change_message())


def test_the_dialog_is_replaced_as_a_whole_so_that_it_cannot_be_sent_again(client):
    tenant = make_api_key().row.tenant

    response = client.post(url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    assert response.headers["HX-Retarget"] == "#dialog"
    assert "no-store" in response.headers["Cache-Control"]
    assert b"<form" not in response.content
    assert list(get_messages(response.wsgi_request)) == []


def test_a_tenant_without_a_key_gets_a_sentence_instead(client):
    tenant = make_tenant()

    response = client.post(url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    assert response.headers["HX-Redirect"] == url("tenant", "change", tenant.pk)
    (message,) = get_messages(response.wsgi_request)
    assert (message.level_tag, str(message)) == ("error", "This workspace has no API key.")
    assert not LogEntry.objects.exists()


def test_a_key_that_is_turned_off_opens_nothing(client, staff):
    issued = make_api_key()

    response = client.post(url("tenant", "deactivate_key", issued.row.tenant_id), SUBMITTED)

    assert response.headers["HX-Redirect"] == url("tenant", "change", issued.row.tenant_id)
    issued.row.refresh_from_db()
    assert not Tenant.objects.get().api_enabled
    assert last_entry() == ("api_key.deactivated", staff.public_id, issued.row.public_id)


def test_a_person_is_shut_out_and_let_in_again(client, staff):
    alice = make_login()

    client.post(url("user", "deactivate", alice.user.pk), SUBMITTED)
    alice.user.refresh_from_db()
    assert not alice.user.is_active
    assert selectors.principal_of_token(alice.token, now=timezone.now()) is None

    client.post(url("user", "reactivate", alice.user.pk), SUBMITTED)
    alice.user.refresh_from_db()
    assert alice.user.is_active
    assert last_entry() == ("user.reactivated", staff.public_id, alice.user.public_id)


def test_all_logins_of_a_person_end(client, staff):
    alice = make_login()

    client.post(url("user", "revoke_logins", alice.user.pk), SUBMITTED)

    assert selectors.principal_of_token(alice.token, now=timezone.now()) is None
    assert last_entry() == ("login_session.revoked", staff.public_id, alice.row.public_id)


def test_one_login_ends(client, staff):
    alice = make_login()
    other = make_login(alice.tenant, alice.user)

    client.post(url("loginsession", "revoke", alice.row.pk), SUBMITTED)

    now = timezone.now()
    assert selectors.principal_of_token(alice.token, now=now) is None
    assert selectors.principal_of_token(other.token, now=now) is not None
    assert last_entry()[1] == staff.public_id


def test_a_service_key_is_made_shown_once_and_revoked(client, staff):
    form = SUBMITTED | {"source": "genfity"}

    made = client.post(url("servicekey", "issue"), form)

    (text,) = SECRET.findall(made.content.decode())
    row = ServiceKey.objects.get()
    found = selectors.principal_of_service_key(text, now=timezone.now())
    assert (found.source, found.credential_id) == ("genfity", row.public_id)
    assert last_entry() == ("service_key.issued", staff.public_id, row.public_id)

    client.post(url("servicekey", "revoke", row.pk), SUBMITTED)
    assert selectors.principal_of_service_key(text, now=timezone.now()) is None
    assert last_entry() == ("service_key.revoked", staff.public_id, row.public_id)


def test_one_key_is_replaced_with_an_overlap_and_stays_its_makers(client, staff):
    old = make_api_key()

    answer = client.post(
        url("apikey", "rotate", old.row.pk), SUBMITTED | {"overlap_hours": "24"}
    )

    (text,) = SECRET.findall(answer.content.decode())
    now = timezone.now()
    new = selectors.principal_of_api_key(text, now=now)
    assert new.user == old.row.created_by
    assert selectors.principal_of_api_key(old.text, now=now) is not None
    assert last_entry() == ("api_key.rotated", staff.public_id, new.credential_id)


def test_one_key_is_revoked(client, staff):
    tenant = make_tenant()
    one, other = make_api_key(tenant), make_api_key(tenant)

    client.post(url("apikey", "revoke", one.row.pk), SUBMITTED)

    now = timezone.now()
    assert selectors.principal_of_api_key(one.text, now=now) is None
    assert selectors.principal_of_api_key(other.text, now=now) is not None
    assert last_entry() == ("api_key.revoked", staff.public_id, one.row.public_id)


def test_g7_a_service_key_is_replaced_and_shown_once(client, staff):
    old = make_service_key("anna")

    answer = client.post(
        url("servicekey", "rotate", old.row.pk), SUBMITTED | {"overlap_hours": "0"}
    )

    (text,) = SECRET.findall(answer.content.decode())
    now = timezone.now()
    new = selectors.principal_of_service_key(text, now=now)
    assert new.source == "anna"
    assert selectors.principal_of_service_key(old.text, now=now) is None
    assert last_entry() == ("service_key.rotated", staff.public_id, new.credential_id)


def test_a_service_key_gets_a_name_and_an_end(client):
    form = SUBMITTED | {"source": "anna", "name": "nightly", "expires_at": "2099-01-01"}

    client.post(url("servicekey", "issue"), form)

    row = ServiceKey.objects.get()
    assert (row.name, row.expires_at.isoformat()) == ("nightly", "2099-01-01T00:00:00+00:00")


def test_a_service_key_that_is_listed_is_masked(client):
    issued = make_service_key("anna")

    page = client.get(url("servicekey", "changelist")).content.decode()

    assert f"ors_{issued.row.key_id}_••••{issued.row.hint}" in page
    assert issued.text not in page


def test_a_tenants_page_leads_to_everything_that_is_its_own(client):
    tenant = make_tenant()

    page = client.get(url("tenant", "change", tenant.pk)).content.decode()

    for path in (
        "/admin/sessions_app/session/",
        "/admin/subscriptions/subscription/",
        "/admin/billing/payment/",
        "/admin/accounts/auditentry/",
    ):
        assert f'href="{path}?q={tenant.public_id}"' in page
