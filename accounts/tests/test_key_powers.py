"""What a key may do, and when a change of it ends the sockets that it opened."""

from datetime import timedelta

import pytest

from accounts import selectors
from accounts.models import ApiKey, Membership, Role, Tenant, TenantStatus
from accounts.principal_cache import TTL
from accounts.roles import KEY_SCOPES
from accounts.services import keys as key_services
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_member,
    make_tenant,
)
from accounts.tests.key_probes import NOW, use

LATER = NOW + TTL
pytestmark = pytest.mark.django_db


def test_b6_a_revoked_rotated_or_deactivated_key_ends_its_sockets_credential():
    """Disabling a key left its sockets open."""
    tenant = make_tenant()
    one, two = make_api_key(tenant), make_api_key(tenant)
    first, second = use(one.text), use(two.text)
    assert selectors.is_valid(first, now=NOW)

    third = use(key_services.rotate(key=one.row, user=None, now=NOW).text)
    after_rotation = [selectors.is_valid(who, now=NOW) for who in (first, second, third)]
    key_services.revoke(key=two.row, now=NOW)
    after_revocation = [selectors.is_valid(who, now=NOW) for who in (first, second, third)]
    key_services.deactivate(tenant=tenant, now=NOW)

    assert after_rotation == [False, True, True]
    assert after_revocation == [False, False, True]
    assert not selectors.is_valid(third, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["messages:read"]},
        {"session_ids": ["ses_01kb1z2q7mw4g0v9s2x8c5r6tn"]},
        {"networks": ["192.0.2.0/24"]},
    ],
)
def test_o9_a_key_that_is_narrowed_ends_the_sockets_that_it_opened_wider(change):
    """The original looked at a key when the socket was opened, and never again."""
    issued = make_api_key()
    wide = use(issued.text)
    assert selectors.is_valid(wide, now=NOW)

    key_services.change(key=issued.row, now=NOW, **change)

    assert not selectors.is_valid(wide, now=NOW)
    assert selectors.is_valid(use(issued.text), now=NOW)


def test_a_member_whose_role_changes_is_asked_to_come_back():
    tenant = make_tenant()
    bob = make_login(tenant, make_member(tenant))
    principal = selectors.principal_of_token(bob.token, now=NOW)
    assert selectors.is_valid(principal, now=NOW)

    Membership.objects.filter(user=bob.user).update(role=Role.VIEWER)

    assert not selectors.is_valid(principal, now=LATER)


@pytest.mark.parametrize("status", [TenantStatus.SUSPENDED, TenantStatus.DELETING])
def test_g12_a_suspended_tenants_keys_open_nothing_and_its_people_only_look(status):
    alice = make_login()
    text = make_api_key(alice.tenant).text

    Tenant.objects.update(
        status=status, purge_at=NOW if status == TenantStatus.DELETING else None
    )

    person = selectors.principal_of_token(alice.token, now=NOW)
    assert use(text) is None
    assert person.allows("sessions:read")
    assert not person.allows("sessions:write")
    assert person.restriction == "suspended"


def test_a_purged_tenant_lets_nobody_in():
    alice = make_login()

    Tenant.objects.update(status=TenantStatus.PURGED)

    assert selectors.principal_of_token(alice.token, now=NOW) is None


def test_a_key_carries_its_scopes_sessions_and_networks():
    session = "ses_01kb1z2q7mw4g0v9s2x8c5r6tn"
    text = make_api_key(
        scopes=["messages:read"], session_ids=[session], networks=["192.0.2.7"]
    ).text

    principal = use(text)

    assert principal.scopes == {"messages:read"}
    assert principal.may_touch(session)
    assert not principal.may_touch("ses_00000000000000000000000000")
    assert principal.may_call_from("192.0.2.7")
    assert not principal.may_call_from("192.0.2.8")
    assert not principal.may_call_from(None)


def test_a_key_without_limits_has_every_scope_of_keys_and_none_of_people():
    principal = use(make_api_key().text)

    assert principal.scopes == KEY_SCOPES
    assert not principal.allows("keys:write")
    assert principal.may_touch("ses_anything")
    assert principal.may_call_from(None)


def test_a_scope_that_no_key_may_have_is_not_given_though_the_row_names_it():
    issued = make_api_key()
    ApiKey.objects.update(scopes=["billing:write", "messages:read"])

    assert use(issued.text).scopes == {"messages:read"}


def test_a_key_expires_though_it_is_remembered():
    end = NOW + timedelta(seconds=1)
    text = make_api_key(expires_at=end).text

    assert use(text) is not None
    assert use(text, now=end) is None


def test_a_key_of_a_sibling_services_tenant_needs_no_member():
    tenant = make_tenant(source="genfity", external_id="u1")
    text = make_api_key(tenant).text
    Membership.objects.all().delete()

    assert use(text).tenant == tenant
