"""Paths below `/v1/` about the workspace, its people and its history."""

from django.urls import path

from accounts.api import audit, exports, invitations, members, tenants

urlpatterns = [
    path("tenant", tenants.TenantDetail.as_view(), name="tenant"),
    path("tenant/deletion", tenants.Deletion.as_view(), name="tenant-deletion"),
    path("tenant/export", exports.ExportRequest.as_view(), name="export-request"),
    path("tenant/exports", exports.ExportList.as_view(), name="export-list"),
    path("tenant/exports/<str:export_id>", exports.ExportDetail.as_view(), name="export"),
    path(
        "tenant/exports/<str:export_id>/download",
        exports.ExportDownload.as_view(),
        name="export-download",
    ),
    path("members", members.MemberList.as_view(), name="member-list"),
    path("members/leave", members.Leave.as_view(), name="member-leave"),
    path("members/<str:member_id>", members.MemberDetail.as_view(), name="member"),
    path("invitations", invitations.InvitationList.as_view(), name="invitation-list"),
    path(
        "invitations/<str:invitation_id>",
        invitations.InvitationDetail.as_view(),
        name="invitation",
    ),
    path(
        "invitations/<str:invitation_id>/resend",
        invitations.InvitationResend.as_view(),
        name="invitation-resend",
    ),
    path("audit", audit.AuditLog.as_view(), name="audit"),
]
