"""What staff do to whole tenants, their mail and the audit log."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Mail, MailStatus, TenantExport, TenantStatus
from accounts.selectors import trail
from accounts.services import invitations, tenants
from accounts.tests.clients import SUBMITTED, admin_url
from accounts.tests.factories import make_tenant, make_user, owner_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def run(admin, tenant, action: str, reason: str = "asked for") -> None:
    answer = admin.post(admin_url("tenant", action, tenant.pk), {**SUBMITTED, "reason": reason})
    assert answer.status_code == 200
    tenant.refresh_from_db()


def test_g12_staff_suspend_and_resume_a_tenant_with_a_reason(admin, staff):
    tenant = make_tenant()

    run(admin, tenant, "suspend", "unpaid")
    assert (tenant.status, tenant.status_reason) == (TenantStatus.SUSPENDED, "unpaid")
    entry = AuditEntry.objects.get(action="tenant.suspended")
    assert (entry.actor, entry.reason) == (staff.public_id, "unpaid")

    run(admin, tenant, "resume")
    assert (tenant.status, tenant.status_reason) == (TenantStatus.ACTIVE, "")


def test_staff_delete_and_keep_a_tenant(admin):
    tenant = make_tenant()

    run(admin, tenant, "schedule_deletion")
    assert tenant.status == TenantStatus.DELETING

    run(admin, tenant, "cancel_deletion")
    assert tenant.status == TenantStatus.ACTIVE


def test_a_suspension_needs_a_reason(admin):
    tenant = make_tenant()

    run(admin, tenant, "suspend", "")

    assert tenant.status == TenantStatus.ACTIVE


def test_staff_ask_for_an_archive(admin, staff):
    tenant = make_tenant()

    admin.post(admin_url("tenant", "export", tenant.pk), SUBMITTED)

    assert TenantExport.objects.get().requested_by == staff


def test_a_mail_that_was_given_up_is_sent_again(admin):
    tenant = make_tenant()
    invitations.invite(
        tenant=tenant, email="b@example.com", role="VIEWER", by=owner_of(tenant), now=NOW
    )
    Mail.objects.update(status=MailStatus.FAILED)

    admin.post(admin_url("mail", "resend", Mail.objects.get().pk), SUBMITTED)

    assert Mail.objects.get().status == MailStatus.QUEUED


@pytest.mark.parametrize(
    "model", ["mail", "invitation", "membership", "tenantexport", "auditentry"]
)
def test_no_page_shows_what_a_mail_says_or_what_opens_an_invitation(admin, model):
    tenant = make_tenant()
    invitation = invitations.invite(
        tenant=tenant, email="b@example.com", role="VIEWER", by=owner_of(tenant), now=NOW
    )
    TenantExport.objects.create(tenant=tenant, created_at=NOW, touched_at=NOW)
    secrets = [
        invitation.digest,
        invitation.key_id,
        json.loads(Mail.objects.get().context)["url"],
    ]
    admin_of = reverse(f"admin:accounts_{model}_changelist")
    rows = admin.get(admin_of)
    pk = rows.context["cl"].result_list[0].pk

    texts = [rows.content.decode(), admin.get(admin_url(model, "change", pk)).content.decode()]

    for text in texts:
        assert not [secret for secret in secrets if secret in text]


def test_the_audit_log_is_taken_away_as_a_file(admin, staff):
    tenant = make_tenant()
    tenants.update(tenant=tenant, name="=cmd()", actor="usr_1", now=NOW)
    sent = admin.post(
        admin_url("auditentry", "export"),
        {**SUBMITTED, "kind": "csv", "tenant": tenant.public_id, "action": "tenant."},
    )

    file = admin.get(sent.headers["HX-Redirect"])

    text = b"".join(file.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["action"] for row in rows] == ["tenant.updated"]
    assert file["Content-Disposition"].endswith('.csv"')
    exported = AuditEntry.objects.get(action="audit_log.exported")
    assert exported.actor == staff.public_id


def test_a_line_of_the_file_is_json(admin):
    tenant = make_tenant()
    tenants.update(tenant=tenant, name="Globex", actor="usr_1", now=NOW)

    file = admin.get(admin_url("auditentry", "file"), {"kind": "jsonl"})

    first = json.loads(b"".join(file.streaming_content).splitlines()[0])
    assert first["after"] == {"name": "Globex"}


def test_cells_run_nothing_in_a_spreadsheet(admin):
    tenant = make_tenant()
    tenants.suspend(tenant=tenant, reason="=HYPERLINK()", actor="usr_1", now=NOW)

    file = admin.get(admin_url("auditentry", "file"), {"kind": "csv"})

    text = b"".join(file.streaming_content).decode()
    assert next(csv.DictReader(io.StringIO(text)))["reason"] == "'=HYPERLINK()"


def test_staff_without_the_right_get_no_file():
    browser = Client()
    browser.force_login(make_user(is_staff=True))

    assert browser.get(admin_url("auditentry", "file"), {"kind": "csv"}).status_code == 403
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_check_of_the_audit_log_says_whether_it_is_whole(capsys):
    tenants.update(tenant=make_tenant(), name="Globex", actor="usr_1", now=NOW)
    call_command("verify_audit")
    assert "whole" in capsys.readouterr().out
    assert trail.last_check().action == "audit_log.verified"

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE accounts_auditentry SET actor = 'usr_2' WHERE actor = 'usr_1'")
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")

    with pytest.raises(CommandError, match="broken in 1 places"):
        call_command("verify_audit")
    assert trail.last_check().action == "audit_log.broken"
    whole, _ = trail.metrics()
    assert whole.samples[0].value == 0
