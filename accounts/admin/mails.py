"""Mails, invitations and archives: what is on its way to people."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.models import Invitation, Mail, Membership, TenantExport
from accounts.services import mail as mails
from orsta.core.admin import ReadOnlyAdmin, column
from orsta.core.admin_dialogs import dialog

MAIL_COLORS = {"Queued": "warning", "Sent": "success", "Failed": "danger"}
INVITATION_COLORS = {
    "Open": "warning",
    "Accepted": "success",
    "Withdrawn": "info",
    "Expired": "danger",
}
EXPORT_COLORS = {
    "Queued": "warning",
    "Running": "warning",
    "Ready": "success",
    "Failed": "danger",
    "Expired": "info",
}


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Every mail, without what it says."""

    list_display = ["public_id", "to", "template", "state", "attempts", "created_at", "sent_at"]
    list_filter = ["status", "template", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "to", "tenant__public_id"]
    ordering = ["-pk"]
    exclude = ["context"]
    actions_detail = ["resend"]

    @display(description="Status", label=MAIL_COLORS)
    def state(self, row: Mail) -> str:
        return row.get_status_display()

    @action(
        description="Send again",
        permissions=["operate"],
        dialog=dialog(
            "Try to send this mail again?",
            "Only a mail that was given up can be sent again.",
            "Send",
        ),
    )
    def resend(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Give the mail a fresh set of attempts."""
        row = Mail.objects.get(pk=object_id)
        return self.run_service(
            request,
            object_id,
            lambda: mails.resend(mail=row, now=timezone.now()),
            done="The mail is on its way.",
        )


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was invited to what; members invite in the console."""

    list_display = ["email", "tenant_name", "role", "state", "created_at", "expires_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["role", "created_at", "accepted_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "email", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = ["digest", "pepper_id", "key_id", "hint"]

    @display(description="State", label=INVITATION_COLORS)
    def state(self, row: Invitation) -> str:
        if row.accepted_at:
            return "Accepted"
        if row.revoked_at:
            return "Withdrawn"
        return "Open" if row.expires_at > timezone.now() else "Expired"


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs to which tenant."""

    list_display = ["public_id", "email", "tenant_name", "role", "created_at"]
    email = column("user.email", "Person")
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["role", "created_at"]
    list_select_related = ["tenant", "user"]
    search_fields = ["public_id", "user__email", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]


@admin.register(TenantExport)
class TenantExportAdmin(ReadOnlyAdmin):
    """Archives, and how far they are; a tenant's page asks for one."""

    list_display = ["public_id", "tenant_name", "state", "rows_written", "size_bytes"]
    list_display += ["created_at", "expires_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["status", "created_at"]
    list_select_related = ["tenant", "requested_by"]
    search_fields = ["public_id", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = ["file"]

    @display(description="Status", label=EXPORT_COLORS)
    def state(self, row: TenantExport) -> str:
        return row.get_status_display()
