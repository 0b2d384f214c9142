"""What staff do to customers, and the trace it leaves."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import selectors
from accounts.models import AuditEntry, LoginSession, Mail, ServiceKey, Tenant
from accounts.services import login
from accounts.tests.clients import SUBMITTED, admin_url
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_service_key,
    make_tenant,
    make_user,
)

pytestmark = pytest.mark.django_db
KEPT = {"usable_password": "true"}  # the account keeps having a password
SECRET = re.compile(r'<code class="orsta-secret">([^<]+)</code>')


def last_entry() -> tuple[str, str, str]:
    entry = AuditEntry.objects.order_by("-pk").first()
    return entry.action, entry.actor, entry.target


def test_a_rotated_key_is_shown_once_and_works(admin, staff):
    old = make_api_key()
    tenant = old.row.tenant

    response = admin.post(admin_url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    (text,) = SECRET.findall(response.content.decode())
    now = timezone.now()
    assert selectors.principal_of_api_key(text, now=now).tenant == tenant
    assert selectors.principal_of_api_key(old.text, now=now) is None
    current = selectors.current_api_key(tenant=tenant)
    assert last_entry() == ("api_key.rotated", staff.public_id, current.public_id)
    assert LogEntry.objects.get().user_id == staff.pk
    assert text not in str(LogEntry.objects.get().get_change_message())


def test_the_dialog_is_replaced_as_a_whole_so_that_it_cannot_be_sent_again(admin):
    tenant = make_api_key().row.tenant

    response = admin.post(admin_url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    assert response.headers["HX-Retarget"] == "#dialog"
    assert "no-store" in response.headers["Cache-Control"]
    assert b"<form" not in response.content
    assert list(get_messages(response.wsgi_request)) == []


def test_a_tenant_without_a_key_gets_a_sentence_instead(admin):
    tenant = make_tenant()

    response = admin.post(admin_url("tenant", "rotate_key", tenant.pk), SUBMITTED)

    assert response.headers["HX-Redirect"] == admin_url("tenant", "change", tenant.pk)
    (message,) = get_messages(response.wsgi_request)
    assert (message.level_tag, str(message)) == ("error", "This workspace has no API key.")
    assert not LogEntry.objects.exists()


def test_a_key_that_is_turned_off_opens_nothing(admin, staff):
    issued = make_api_key()

    response = admin.post(
        admin_url("tenant", "deactivate_key", issued.row.tenant_id), SUBMITTED
    )

    assert response.headers["HX-Redirect"] == admin_url(
        "tenant", "change", issued.row.tenant_id
    )
    issued.row.refresh_from_db()
    assert not Tenant.objects.get().api_enabled
    assert last_entry() == ("api_key.deactivated", staff.public_id, issued.row.public_id)


def test_a_person_is_shut_out_and_let_in_again(admin, staff):
    alice = make_login()

    admin.post(admin_url("user", "deactivate", alice.user.pk), SUBMITTED)
    alice.user.refresh_from_db()
    assert not alice.user.is_active
    assert selectors.principal_of_token(alice.token, now=timezone.now()) is None

    admin.post(admin_url("user", "reactivate", alice.user.pk), SUBMITTED)
    alice.user.refresh_from_db()
    assert alice.user.is_active
    assert last_entry() == ("user.reactivated", staff.public_id, alice.user.public_id)


def test_all_logins_of_a_person_end(admin, staff):
    alice = make_login()

    admin.post(admin_url("user", "revoke_logins", alice.user.pk), SUBMITTED)

    assert selectors.principal_of_token(alice.token, now=timezone.now()) is None
    assert last_entry() == ("login_session.revoked", staff.public_id, alice.row.public_id)


def test_a_password_that_staff_set_ends_what_was_opened_with_the_old_one(admin, staff):
    alice = make_login()
    new = "an entirely new secret"
    page = reverse("admin:auth_user_password_change", args=[alice.user.pk])

    refused = admin.post(page, {"password1": new, "password2": "other", **KEPT})
    assert refused.status_code == 200
    assert selectors.principal_of_token(alice.token, now=timezone.now()) is not None
    answer = admin.post(page, {"password1": new, "password2": new, **KEPT})

    assert answer.status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.check_password(new)
    assert selectors.principal_of_token(alice.token, now=timezone.now()) is None
    entry = AuditEntry.objects.get(action="password.set")
    assert (entry.actor, entry.target) == (staff.public_id, alice.user.public_id)
    assert Mail.objects.get().template == "password_changed"


def test_an_edit_is_noted_and_a_new_address_is_unproved(admin, staff):
    alice = make_user("alice", email_verified_at=timezone.now())
    group = Group.objects.create(name="Support")
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    inlines = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    kept = {"username": "alice", "email": alice.email, **inlines}
    new = kept | {"email": "alice@example.org", "is_staff": "on", "groups": [group.pk]}

    assert admin.post(page, kept).status_code == 302
    assert not AuditEntry.objects.filter(action="user.edited").exists()
    answer = admin.post(page, new)

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.email_verified_at) == ("alice@example.org", None)
    entry = AuditEntry.objects.get(action="user.edited")
    assert (entry.actor, entry.target) == (staff.public_id, alice.public_id)
    assert entry.after == {"staff": True, "superuser": False, "groups": ["Support"]}
    assert entry.detail == {"fields": ["email", "groups", "is_staff"]}


def test_one_login_ends(admin, staff):
    alice = make_login()
    other = make_login(alice.tenant, alice.user)

    admin.post(admin_url("loginsession", "revoke", alice.row.pk), SUBMITTED)

    now = timezone.now()
    assert selectors.principal_of_token(alice.token, now=now) is None
    assert selectors.principal_of_token(other.token, now=now) is not None
    assert last_entry()[1] == staff.public_id


def test_a_login_that_can_be_refreshed_is_shown_as_open(admin):
    now = timezone.now()
    alice, ended = make_login(), make_login()
    LoginSession.objects.filter(pk=alice.row.pk).update(expires_at=now)
    login.revoke(login_session=ended.row, now=now)

    rows = admin.get(admin_url("loginsession", "changelist")).context["cl"].result_list

    assert {row.pk: row.is_open for row in rows} == {alice.row.pk: True, ended.row.pk: False}


def test_a_service_key_is_made_shown_once_and_revoked(admin, staff):
    form = SUBMITTED | {"source": "genfity"}

    made = admin.post(admin_url("servicekey", "issue"), form)

    (text,) = SECRET.findall(made.content.decode())
    row = ServiceKey.objects.get()
    found = selectors.principal_of_service_key(text, now=timezone.now())
    assert (found.source, found.credential_id) == ("genfity", row.public_id)
    assert last_entry() == ("service_key.issued", staff.public_id, row.public_id)

    admin.post(admin_url("servicekey", "revoke", row.pk), SUBMITTED)
    assert selectors.principal_of_service_key(text, now=timezone.now()) is None
    assert last_entry() == ("service_key.revoked", staff.public_id, row.public_id)


def test_one_key_is_replaced_with_an_overlap_and_stays_its_makers(admin, staff):
    old = make_api_key()

    answer = admin.post(
        admin_url("apikey", "rotate", old.row.pk), SUBMITTED | {"overlap_hours": "24"}
    )

    (text,) = SECRET.findall(answer.content.decode())
    now = timezone.now()
    new = selectors.principal_of_api_key(text, now=now)
    assert new.user == old.row.created_by
    assert selectors.principal_of_api_key(old.text, now=now) is not None
    assert last_entry() == ("api_key.rotated", staff.public_id, new.credential_id)


def test_one_key_is_revoked(admin, staff):
    tenant = make_tenant()
    one, other = make_api_key(tenant), make_api_key(tenant)

    admin.post(admin_url("apikey", "revoke", one.row.pk), SUBMITTED)

    now = timezone.now()
    assert selectors.principal_of_api_key(one.text, now=now) is None
    assert selectors.principal_of_api_key(other.text, now=now) is not None
    assert last_entry() == ("api_key.revoked", staff.public_id, one.row.public_id)


def test_g7_a_service_key_is_replaced_and_shown_once(admin, staff):
    old = make_service_key("anna")

    answer = admin.post(
        admin_url("servicekey", "rotate", old.row.pk), SUBMITTED | {"overlap_hours": "0"}
    )

    (text,) = SECRET.findall(answer.content.decode())
    now = timezone.now()
    new = selectors.principal_of_service_key(text, now=now)
    assert new.source == "anna"
    assert selectors.principal_of_service_key(old.text, now=now) is None
    assert last_entry() == ("service_key.rotated", staff.public_id, new.credential_id)


def test_a_service_key_gets_a_name_and_an_end(admin):
    form = SUBMITTED | {"source": "anna", "name": "nightly", "expires_at": "2099-01-01"}

    admin.post(admin_url("servicekey", "issue"), form)

    row = ServiceKey.objects.get()
    assert (row.name, row.expires_at.isoformat()) == ("nightly", "2099-01-01T00:00:00+00:00")


def test_a_service_key_that_is_listed_is_masked(admin):
    issued = make_service_key("anna")

    page = admin.get(admin_url("servicekey", "changelist")).content.decode()

    assert f"ors_{issued.row.key_id}_••••{issued.row.hint}" in page
    assert issued.text not in page


def test_a_tenants_page_leads_to_everything_that_is_its_own(admin):
    tenant = make_tenant()

    page = admin.get(admin_url("tenant", "change", tenant.pk)).content.decode()

    for path in (
        "/admin/sessions_app/session/",
        "/admin/subscriptions/subscription/",
        "/admin/billing/payment/",
        "/admin/accounts/auditentry/",
    ):
        assert f'href="{path}?q={tenant.public_id}"' in page


def operator_with(*codenames):
    """Return the browser of staff with a few rights."""
    browser, person = Client(), make_user(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser.force_login(person)
    return browser


@pytest.mark.parametrize("what", ["deactivate", "remove_totp", "revoke_logins"])
def test_staff_do_nothing_to_superusers(staff, what):
    browser = operator_with("change_user", "view_user")

    answer = browser.post(admin_url("user", what, staff.pk), SUBMITTED)

    assert answer.status_code == 403
    assert not AuditEntry.objects.exists()
    staff.refresh_from_db()
    assert staff.is_active


def test_staff_shut_customers_out():
    browser, alice = operator_with("change_user", "view_user"), make_login().user

    browser.post(admin_url("user", "deactivate", alice.pk), SUBMITTED)

    alice.refresh_from_db()
    assert not alice.is_active


def test_staff_give_their_own_group_no_rights(admin):
    group = Group.objects.create(name="Support")
    page = reverse("admin:auth_group_change", args=[group.pk])
    right = Permission.objects.get(codename="change_user")
    form = {"name": "Support", "permissions": [right.pk]}
    browser = operator_with("change_group", "view_group")

    assert browser.get(page).status_code == 200
    assert browser.post(page, form).status_code == 403
    assert not group.permissions.exists()

    assert admin.post(page, form).status_code == 302
    assert group.permissions.get() == right
