"""What a key may be limited to, and who may give what."""

from datetime import timedelta

import pytest

from accounts import key_limits
from accounts.models import ApiKey, Role
from accounts.roles import GRANTS, KEY_SCOPES
from accounts.services import keys
from accounts.tests.factories import make_api_key, make_tenant, owner_of
from accounts.tests.key_probes import NOW, SESSION, opens

pytestmark = pytest.mark.django_db


def test_a_key_is_limited_as_it_was_asked_for():
    tenant = make_tenant()

    row = keys.issue(
        tenant=tenant,
        user=owner_of(tenant),
        now=NOW,
        name="  shop ",
        scopes=["messages:write", "messages:read", "messages:read"],
        session_ids=[SESSION],
        networks=["192.0.2.9/24", "2001:DB8::1"],
        expires_at=NOW + timedelta(days=1),
    ).row

    row.refresh_from_db()
    assert (row.name, row.scopes) == ("shop", ["messages:read", "messages:write"])
    assert row.session_ids == [SESSION]
    assert row.networks == ["192.0.2.0/24", "2001:db8::1/128"]
    assert row.expires_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", " "),
        ("name", "x" * 81),
        ("name", "a\nb"),
        ("scopes", []),
        ("scopes", ["keys:write"]),
        ("scopes", ["messages:read", "no:such"]),
        ("session_ids", ["ses_1"]),
        ("session_ids", [SESSION] * 51),
        ("networks", ["example.com"]),
        ("networks", ["fe80::1%eth0"]),
        ("networks", ["192.0.2.0/33"]),
        ("networks", ["192.0.2.1"] * 51),
        ("expires_at", NOW),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(column, value):
    issued = make_api_key()

    for call in (
        lambda: keys.issue(tenant=issued.row.tenant, user=None, now=NOW, **{column: value}),
        lambda: keys.change(key=issued.row, now=NOW, **{column: value}),
    ):
        with pytest.raises(key_limits.InvalidKey) as caught:
            call()
        assert list(caught.value.details["fields"]) == [column]

    assert ApiKey.objects.get() == issued.row


def test_nobody_makes_a_key_that_may_do_what_they_may_not():
    tenant = make_tenant()
    developer = GRANTS[Role.DEVELOPER]

    for scopes in (["*"], ["audit:read"]):
        with pytest.raises(key_limits.ScopeNotYours) as caught:
            keys.issue(tenant=tenant, user=None, now=NOW, scopes=scopes, granter=developer)
        assert caught.value.details == {"scopes": ["audit:read"]}

    mine = sorted(KEY_SCOPES & developer)
    made = keys.issue(tenant=tenant, user=None, now=NOW, scopes=mine, granter=developer)
    assert ApiKey.objects.get() == made.row


def test_nobody_widens_or_takes_over_a_key_that_may_do_what_they_may_not():
    powerful, weak = make_api_key(), make_api_key(scopes=["messages:read"])
    developer = GRANTS[Role.DEVELOPER]

    with pytest.raises(key_limits.ScopeNotYours):
        keys.rotate(key=powerful.row, user=None, now=NOW, granter=developer)
    with pytest.raises(key_limits.ScopeNotYours):
        keys.change(key=weak.row, now=NOW, granter=developer, scopes=["*"])

    assert opens(powerful.text)
    assert ApiKey.objects.get(pk=weak.row.pk).scopes == ["messages:read"]
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize(
    ("role", "most"),
    [
        (Role.OWNER, ["*"]),
        (Role.ADMIN, ["*"]),
        (Role.DEVELOPER, sorted(KEY_SCOPES - {"audit:read"})),
    ],
)
def test_what_a_role_can_give_to_a_key(role, most):
    assert key_limits.grantable(GRANTS[role]) == most
