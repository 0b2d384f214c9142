"""Contacts and their syncs in the backoffice: staff look, search and filter."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from orsta.core.admin import ReadOnlyAdmin, column, json_display
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.selectors import identities_of
from sessions_app.contacts.states import SyncState

SYNC_COLORS = {
    SyncState.QUEUED.label: "warning",
    SyncState.FETCHING.label: "info",
    SyncState.WRITING.label: "info",
    SyncState.DONE.label: "success",
    SyncState.FAILED.label: "danger",
}


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """The people that sessions know, the newest first."""

    list_display = [
        "public_id",
        "session_name",
        "name",
        "push_name",
        "phone",
        "jid",
        "updated_at",
    ]
    list_filter = ["last_synced_at", "created_at"]
    list_select_related = ["session"]
    search_fields = ["public_id", "session__public_id", "name", "push_name", "phone", "jid"]
    ordering = ["-pk"]
    exclude = ["raw"]
    readonly_fields = ["shown_raw", "known_as"]
    session_name = column("session.name", "Session")
    shown_raw = json_display("raw")

    @display(description="Known as")
    def known_as(self, contact: Contact) -> SafeString:
        names = identities_of(contact.session, [contact.jid]).get(contact.jid, [])
        lines = ((one.get_kind_display(), one.value, one.source) for one in names)
        return format_html_join(SafeString("<br>"), "{}: {} ({})", lines)


@admin.register(ContactSync)
class ContactSyncAdmin(ReadOnlyAdmin):
    """Runs of "fetch the address book", and how far they came."""

    list_display = [
        "public_id",
        "session_name",
        "state_label",
        "fetched",
        "written",
        "left_out",
        "created_at",
        "finished_at",
    ]
    list_filter = ["state", "created_at"]
    list_select_related = ["session"]
    search_fields = ["public_id", "session__public_id", "session__name"]
    ordering = ["-pk"]
    session_name = column("session.name", "Session")

    @display(description="State", ordering="state", label=SYNC_COLORS)
    def state_label(self, sync: ContactSync) -> str:
        return sync.get_state_display()
