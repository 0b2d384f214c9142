"""The console's pages about the workspace, its people and its history."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Invitation, Mail, Membership, Role, TenantExport, User
from accounts.selectors import members as roster
from accounts.services import exports, tenants
from accounts.tests.clients import browser_of
from accounts.tests.factories import PASSWORD, make_login, make_member, make_tenant, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    """The owner of Acme, logged in."""
    return make_login(make_tenant("Acme"))


@pytest.fixture
def console(alice):
    return browser_of(alice)


def viewer_of(tenant) -> Client:
    return browser_of(make_login(tenant, make_member(tenant, role=Role.VIEWER)))


def token_mailed() -> str:
    return json.loads(Mail.objects.latest("pk").context)["url"].partition("#")[2]


def test_a_member_is_invited_and_the_invitation_is_shown(console):
    sent = console.post("/console/team/invite", {"email": "d@example.com", "role": "VIEWER"})

    assert sent.status_code == 302
    page = console.get("/console/team").content.decode()
    assert "An invitation is on its way to d@example.com." in page
    assert "Send again" in page


def test_a_refused_invitation_says_why(console):
    console.post("/console/team/invite", {"email": "d@example.com", "role": "VIEWER"})

    again = console.post("/console/team/invite", {"email": "d@example.com", "role": "VIEWER"})

    assert again.status_code == 409
    assert "invited already" in again.content.decode()


def test_an_invitation_is_sent_again_and_withdrawn_on_the_page(console):
    console.post("/console/team/invite", {"email": "d@example.com", "role": "VIEWER"})
    path = f"/console/team/invitations/{Invitation.objects.get().public_id}"

    console.post(f"{path}/resend")
    console.post(f"{path}/withdraw")

    assert Mail.objects.count() == 2
    assert Invitation.objects.get().revoked_at is not None


def test_a_role_is_changed_and_a_member_removed_on_the_page(console, alice):
    bob = make_member(alice.tenant, role=Role.VIEWER)
    path = f"/console/team/{roster.membership_of(alice.tenant, bob).public_id}"

    console.post(f"{path}/role", {"role": "DEVELOPER"})
    assert roster.membership_of(alice.tenant, bob).role == Role.DEVELOPER

    console.post(f"{path}/remove")
    assert not Membership.objects.filter(user=bob).exists()


@pytest.mark.parametrize("role", ["", "KING"])
def test_a_role_that_does_not_exist_is_refused(console, alice, role):
    bob = make_member(alice.tenant, role=Role.VIEWER)
    path = f"/console/team/{roster.membership_of(alice.tenant, bob).public_id}"

    assert console.post(f"{path}/role", {"role": role}).status_code == 400
    assert roster.membership_of(alice.tenant, bob).role == Role.VIEWER


def test_who_leaves_is_logged_out(alice):
    client = viewer_of(alice.tenant)

    left = client.post("/console/team/leave")

    assert left.url == "/console/login"
    assert client.get("/console/team").status_code == 302
    assert Membership.objects.for_tenant(alice.tenant).count() == 1


@pytest.mark.parametrize(
    "path",
    ["team/invite", "workspace/rename", "workspace/export", "workspace/delete"],
)
def test_a_viewer_is_refused(alice, path):
    refused = viewer_of(alice.tenant).post(f"/console/{path}", {"name": "x"})

    assert refused.status_code == 403
    alice.tenant.refresh_from_db()
    assert (alice.tenant.name, alice.tenant.status) == ("Acme", "ACTIVE")
    assert not TenantExport.objects.exists()


def test_a_viewer_sees_the_team_without_buttons(alice):
    page = viewer_of(alice.tenant).get("/console/team").content.decode()

    assert alice.user.email in page
    assert "Send invitation" not in page
    assert "Yes, remove" not in page


def test_the_workspace_is_renamed_on_the_page(console, alice):
    console.post("/console/workspace/rename", {"name": "Globex"})

    alice.tenant.refresh_from_db()
    assert alice.tenant.name == "Globex"


def test_an_archive_is_made_and_downloaded_on_the_page(console):
    console.post("/console/workspace/export")
    assert b"data-export=" in console.get("/console/workspace").content
    export = TenantExport.objects.get()
    exports.write(export_id=export.public_id, now=timezone.now())

    assert b"Download" in console.get("/console/workspace").content
    archive = console.get(f"/v1/tenant/exports/{export.public_id}/download")
    assert b"".join(archive.streaming_content).startswith(b"PK")


def test_a_workspace_is_deleted_and_kept_on_the_page(console, alice):
    wrong = console.post("/console/workspace/delete", {"confirm": "Acme", "password": "no"})
    assert wrong.status_code == 403
    assert b"The password is not right." in wrong.content

    console.post("/console/workspace/delete", {"confirm": "Acme", "password": PASSWORD})
    assert b"This workspace is being deleted" in console.get("/console/workspace").content

    console.post("/console/workspace/keep")
    alice.tenant.refresh_from_db()
    assert alice.tenant.status == "ACTIVE"


def test_a_suspended_workspace_that_is_kept_is_not_said_to_work(console, alice):
    now = timezone.now()
    tenants.suspend(tenant=alice.tenant, reason="unpaid", actor="usr_1", now=now)
    tenants.schedule_deletion(tenant=alice.tenant, actor="usr_1", now=now)

    page = console.post("/console/workspace/keep", follow=True).content.decode()

    assert "The workspace stays. It is suspended." in page
    assert "work again" not in page


def test_a_person_goes_to_another_of_its_workspaces(console, alice):
    make_member(globex := make_tenant("Globex"), alice.user)
    assert b"Go to Globex" in console.get("/console/workspace").content

    console.post("/console/workspace/switch", {"tenant_id": globex.public_id})

    assert globex.public_id in console.get("/console/workspace").content.decode()


def test_a_person_goes_to_no_workspace_of_others(console, alice):
    strangers = make_tenant("Strangers")

    refused = console.post("/console/workspace/switch", {"tenant_id": strangers.public_id})

    assert refused.status_code in {403, 404}
    assert b"Strangers" not in console.get("/console/workspace").content


def test_the_audit_log_is_shown_and_filtered(console):
    console.post("/console/workspace/rename", {"name": "Globex"})

    page = console.get("/console/audit?action=tenant.updated").content.decode()
    nothing = console.get("/console/audit?action=nothing").content.decode()

    assert "<s>Acme</s> Globex" in page
    assert "Nothing matches" in nothing


def test_an_invited_person_makes_an_account_on_the_page(console, alice):
    console.post("/console/team/invite", {"email": "dora@example.com", "role": "VIEWER"})
    dora, token = Client(), token_mailed()
    assert dora.get("/console/invitation").status_code == 200
    offer = dora.post("/console/invitation/look", {"token": token})
    assert b"Join Acme" in offer.content

    form = {"token": token, "username": "dora", "password": "correct horse 1"}
    joined = dora.post("/console/invitation/join", form)

    assert joined.status_code == 302
    assert User.objects.get(username="dora").email_verified_at is not None
    assert b"Acme" in dora.get("/console/team").content


def test_an_invited_person_with_an_account_joins_and_is_there(console, alice):
    bob = make_login(user=make_user("bob", email="bob@example.com"))
    console.post("/console/team/invite", {"email": "bob@example.com", "role": "ADMIN"})
    client, token = browser_of(bob), token_mailed()
    assert b"Join Acme" in client.post("/console/invitation/look", {"token": token}).content

    client.post("/console/invitation/accept", {"token": token})

    assert alice.tenant.public_id in client.get("/console/workspace").content.decode()


@pytest.mark.parametrize("path", ["look", "join"])
def test_a_dead_invitation_says_so(path):
    form = {"token": "ori_nothing", "username": "dora", "password": "correct horse 1"}

    answer = Client().post(f"/console/invitation/{path}", form)

    assert answer.status_code == 404
    assert b"does not work any more" in answer.content


def test_the_table_of_permissions_is_public():
    page = Client().get("/docs/permissions").content.decode()

    assert "Turn the API on and off" in page or "Spend money" in page
    assert page.count("<tr id=") == 18
