"""What the query parameters leave of the lists of people, logins and archives."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ExportStatus, Role, TenantExport
from accounts.services import invitations
from accounts.tests.factories import make_login, make_member, make_tenant, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def alice():
    return make_login(make_tenant("Acme", owner=make_user("alice")))


@pytest.fixture
def api(alice):
    return Client(headers={"authorization": f"Bearer {alice.token}"})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["alice", "bob", "bella"]),
        ("?role=VIEWER", ["bob", "bella"]),
        ("?search=ELL", ["bella"]),
        ("?search=bob@", ["bob"]),
        ("?role=OWNER&search=b", []),
    ],
)
def test_members_are_found_by_role_and_by_name_or_address(api, alice, query, names):
    for name in ("bob", "bella"):
        make_member(alice.tenant, make_user(name), Role.VIEWER)

    rows = api.get(f"/v1/members{query}").json()["members"]

    assert [row["username"] for row in rows] == names


@pytest.mark.parametrize(
    ("query", "found"),
    [("", 2), ("?role=ADMIN", 1), ("?search=DORA", 1), ("?role=ADMIN&search=dora", 0)],
)
def test_invitations_are_found_by_role_and_address(api, alice, query, found):
    for email, role in (("carl@example.com", Role.ADMIN), ("dora@example.com", Role.VIEWER)):
        invitations.invite(
            tenant=alice.tenant, email=email, role=role, by=alice.user, ip=None, now=NOW
        )

    assert len(api.get(f"/v1/invitations{query}").json()["invitations"]) == found


@pytest.mark.parametrize(
    ("query", "found"), [("", 2), ("?status=FAILED", 2), ("?status=READY", 0)]
)
def test_archives_are_found_by_status(api, alice, query, found):
    for _ in range(2):
        TenantExport.objects.create(
            tenant=alice.tenant, status=ExportStatus.FAILED, created_at=NOW, touched_at=NOW
        )

    assert len(api.get(f"/v1/tenant/exports{query}").json()["exports"]) == found


def test_logins_are_found_by_workspace(api, alice):
    other = make_tenant("Globex")
    make_member(other, alice.user, Role.VIEWER)
    make_login(other, alice.user)

    def listed(query=""):
        return len(api.get(f"/auth/sessions{query}").json()["login_sessions"])

    assert listed() == 2
    assert listed(f"?workspace={other.public_id}") == 1
    assert listed("?workspace=ten_unknown") == 0


@pytest.mark.parametrize(
    "path",
    ["/v1/members?role=KING", "/v1/invitations?search=%00", "/v1/tenant/exports?status=x"],
)
def test_a_filter_that_makes_no_sense_is_refused(api, path):
    response = api.get(path)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")
