"""`/v1/tenant`, `/v1/members`, `/v1/invitations`, `/v1/audit` over HTTP."""

import io
import json
import zipfile

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Invitation, Mail, Membership, Role, Tenant
from accounts.services import exports, tenants
from accounts.tests.factories import (
    PASSWORD,
    make_api_key,
    make_login,
    make_member,
    make_tenant,
    make_user,
)

pytestmark = pytest.mark.django_db


def client_of(login) -> Client:
    return Client(headers={"authorization": f"Bearer {login.token}"})


def post(client, path, body=None, **headers):
    return client.post(path, body or {}, content_type="application/json", headers=headers)


@pytest.fixture
def alice():
    """The owner of Acme, logged in."""
    return make_login(make_tenant("Acme"))


@pytest.fixture
def api(alice):
    return client_of(alice)


def test_the_workspace_is_shown_and_renamed(api, alice):
    renamed = api.patch("/v1/tenant", {"name": "Globex"}, content_type="application/json")

    shown = api.get("/v1/tenant").json()["tenant"]
    assert renamed.json()["tenant"] == shown
    assert (shown["id"], shown["name"]) == (alice.tenant.public_id, "Globex")
    assert (shown["status"], shown["purge_at"]) == ("ACTIVE", None)


def test_a_key_sees_the_workspace_and_cannot_rename_it():
    issued = make_api_key()
    program = Client(headers={"x-api-key": issued.text})

    assert program.get("/v1/tenant").status_code == 200
    refused = program.patch("/v1/tenant", {"name": "x"}, content_type="application/json")

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert Tenant.objects.get(pk=issued.row.tenant.pk).name == "Acme"


def test_a_workspace_is_deleted_in_two_steps(api, alice):
    wrong = post(api, "/v1/tenant/deletion", {"password": "wrong", "confirm": "Acme"})
    other = post(api, "/v1/tenant/deletion", {"password": PASSWORD, "confirm": "acme"})
    begun = post(api, "/v1/tenant/deletion", {"password": PASSWORD, "confirm": "Acme"})

    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert (other.status_code, other.json()["code"]) == (422, "name_mismatch")
    assert begun.status_code == 202
    assert begun.json()["tenant"]["status"] == "DELETING"

    kept = api.delete("/v1/tenant/deletion")
    assert kept.json()["tenant"]["status"] == "ACTIVE"
    again = api.delete("/v1/tenant/deletion")
    assert (again.status_code, again.json()["code"]) == (409, "deletion_not_scheduled")


def test_members_are_listed_changed_and_removed(api, alice):
    bob = make_member(alice.tenant, role=Role.VIEWER)
    listed = api.get("/v1/members").json()["members"]
    assert [member["user_id"] for member in listed] == [alice.user.public_id, bob.public_id]
    path = f"/v1/members/{listed[1]['id']}"

    changed = api.patch(path, {"role": "ADMIN"}, content_type="application/json")
    assert changed.json()["member"]["role"] == "ADMIN"

    assert api.delete(path).status_code == 204
    assert api.delete(path).json()["code"] == "member_not_found"


def test_the_last_owner_cannot_leave_and_a_member_can(api, alice):
    bob = make_login(alice.tenant, make_member(alice.tenant))

    refused = post(api, "/v1/members/leave")
    left = post(client_of(bob), "/v1/members/leave")

    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    assert left.status_code == 204
    assert client_of(bob).get("/v1/members").status_code == 401
    assert Membership.objects.for_tenant(alice.tenant).count() == 1


def test_an_invitation_goes_from_mail_to_member(api, alice):
    sent = post(api, "/v1/invitations", {"email": "dora@example.com", "role": "VIEWER"})
    assert sent.status_code == 201
    assert "token" not in sent.content.decode()
    token = json.loads(Mail.objects.get().context)["url"].partition("#")[2]

    accepted = post(
        Client(),
        "/auth/invitations/accept",
        {"token": token, "username": "dora", "password": "correct horse 1"},
    )

    assert accepted.status_code == 201
    body = accepted.json()
    assert body["workspace"] == {
        "id": alice.tenant.public_id,
        "name": "Acme",
        "role": "VIEWER",
    }
    assert accepted.cookies["orsta_session"].value == body["token"]
    assert api.get("/v1/invitations").json()["invitations"] == []


def test_somebody_logged_in_accepts_with_the_token_alone(api, alice):
    bob = make_login(user=make_user("bob", email="bob@example.com"))
    post(api, "/v1/invitations", {"email": "bob@example.com", "role": "ADMIN"})
    token = json.loads(Mail.objects.get().context)["url"].partition("#")[2]

    accepted = post(client_of(bob), "/auth/invitations/accept", {"token": token})

    assert (accepted.status_code, accepted.json()["token"]) == (200, "")
    assert Membership.objects.get(tenant=alice.tenant, user=bob.user).role == Role.ADMIN


def test_a_replayed_acceptance_shows_no_token(api):
    post(api, "/v1/invitations", {"email": "dora@example.com", "role": "VIEWER"})
    token = json.loads(Mail.objects.get().context)["url"].partition("#")[2]
    body = {"token": token, "username": "dora", "password": "correct horse 1"}

    first = post(Client(), "/auth/invitations/accept", body, idempotency_key="once")
    replayed = post(Client(), "/auth/invitations/accept", body, idempotency_key="once")

    assert first.json()["token"].startswith("ort_")
    assert replayed.status_code == 201
    assert replayed.json() == first.json() | {"token": ""}
    assert "orsta_session" not in replayed.cookies


def test_an_invitation_is_sent_again_and_withdrawn(api):
    sent = post(api, "/v1/invitations", {"email": "dora@example.com", "role": "VIEWER"})
    path = f"/v1/invitations/{sent.json()['invitation']['id']}"

    again = post(api, f"{path}/resend")
    assert again.json()["invitation"]["id"] == sent.json()["invitation"]["id"]
    assert Mail.objects.count() == 2

    assert api.delete(path).status_code == 204
    assert Invitation.objects.get().revoked_at is not None
    assert api.delete(path).json()["code"] == "invitation_not_found"


@pytest.mark.parametrize(
    "body", [{}, {"email": "x@example.com"}, {"email": "nonsense", "role": "VIEWER"}]
)
def test_a_bad_invitation_is_refused(api, body):
    refused = post(api, "/v1/invitations", body)

    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_input"
    assert not Invitation.objects.exists()


def test_an_export_is_asked_for_followed_and_downloaded(api, alice):
    asked = post(api, "/v1/tenant/export")
    assert asked.status_code == 202
    path = f"/v1/tenant/exports/{asked.json()['export']['id']}"
    early = api.get(f"{path}/download")
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")

    exports.write(export_id=asked.json()["export"]["id"], now=timezone.now())

    assert api.get(path).json()["export"]["status"] == "READY"
    download = api.get(f"{path}/download")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(download.streaming_content)))
    assert "members.jsonl" in archive.namelist()
    assert download["Cache-Control"] == "private, no-store"
    assert len(api.get("/v1/tenant/exports").json()["exports"]) == 1


def test_only_owners_and_admins_take_the_data(alice):
    bob = make_login(alice.tenant, make_member(alice.tenant, role=Role.DEVELOPER))

    refused = post(client_of(bob), "/v1/tenant/export")

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_the_audit_log_is_paged_and_filtered(api, alice):
    for number in range(3):
        tenants.update(
            tenant=alice.tenant, name=f"Name {number}", actor="usr_1", now=timezone.now()
        )
    make_api_key(make_tenant("Globex"))

    first = api.get("/v1/audit?action=tenant.&limit=2").json()
    second = api.get(f"/v1/audit?action=tenant.&limit=2&cursor={first['next_cursor']}").json()

    names = [entry["after"]["name"] for entry in first["entries"] + second["entries"]]
    assert names == ["Name 2", "Name 1", "Name 0"]
    assert second["next_cursor"] is None
    assert api.get("/v1/audit?since=2999-01-01T00:00:00Z").json()["entries"] == []
    assert api.get("/v1/audit?since=yesterday").status_code == 400


def test_a_program_reads_the_audit_log_of_its_own_tenant_only():
    issued, other = make_api_key(), make_api_key()
    program = Client(headers={"x-api-key": issued.text})

    entries = program.get("/v1/audit").json()["entries"]

    assert {entry["target"] for entry in entries} >= {issued.row.public_id}
    assert other.row.public_id not in json.dumps(entries)


@pytest.mark.parametrize(
    "path", ["/v1/members", "/v1/invitations", "/v1/audit", "/v1/tenant/exports"]
)
def test_lists_cost_the_same_however_long_they_are(
    api, alice, path, django_assert_max_num_queries
):
    for number in range(5):
        make_member(alice.tenant)
        post(api, "/v1/invitations", {"email": f"d{number}@example.com", "role": "VIEWER"})

    with django_assert_max_num_queries(3):
        assert api.get(path).status_code == 200


def test_b13_what_a_person_does_is_audited_with_its_address_and_program(api):
    api.patch(
        "/v1/tenant",
        {"name": "Globex"},
        content_type="application/json",
        headers={"user-agent": "curl/8"},
    )

    entry = AuditEntry.objects.get(action="tenant.updated")
    assert (entry.ip, entry.user_agent) == ("127.0.0.1", "curl/8")


def test_the_archive_of_every_app_is_written(api, alice):
    from accounts import exports as registry

    names = {part.name for part in registry.parts()}

    assert names >= {"workspace", "audit_log", "payments", "ledger", "sessions", "messages"}
    for part in registry.parts():
        assert isinstance(list(part.rows(alice.tenant)), list)
