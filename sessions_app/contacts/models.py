"""The people a session knows, and how they got here."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField
from sessions_app.contacts.states import SyncState
from sessions_app.models import Session


class Contact(TenantOwnedModel):
    """One person of a session. The JID (a LID when known) is the identity, the phone is not."""

    # `tenant` has its index from the foreign key; addressbook counts by it.
    public_id = PublicIdField("con")
    # Indexed by `contact_of_session`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    jid = models.CharField(max_length=80)
    phone = models.CharField(max_length=20, blank=True, help_text="Digits; may never be known")
    name = models.CharField(max_length=200, blank=True)
    push_name = models.CharField(max_length=200, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "jid"], name="contact_once_per_session")
        ]
        indexes = [
            # The session's contacts in pages.
            models.Index(fields=["session", "id"], name="contact_of_session"),
            # selectors.names_of, and finding the LID behind a phone number's JID.
            models.Index(
                fields=["session", "phone"], condition=~Q(phone=""), name="contact_by_phone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.push_name or self.jid} ({self.public_id})"


class ContactSync(TenantOwnedModel):
    """One run of "fetch the address book": the runner fetches pages, a task writes them."""

    public_id = PublicIdField("syn")
    # Indexed by `sync_of_session`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="syncs", db_index=False
    )
    state = models.CharField(max_length=10, choices=SyncState.choices, default=SyncState.QUEUED)
    fetched = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(
        default=0, help_text="Not written: the plan keeps no more contacts"
    )
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField(help_text="The last sign of progress")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=["FETCHING", "QUEUED", "WRITING"]),
                name="sync_one_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=SyncState.values), name="sync_state_known"
            ),
        ]
        indexes = [
            # selectors.newest_sync.
            models.Index(fields=["session", "-id"], name="sync_of_session"),
            # tasks.resume_syncs: what runs, or should.
            models.Index(
                fields=["touched_at"],
                condition=Q(state__in=["FETCHING", "QUEUED", "WRITING"]),
                name="sync_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"


class ContactPage(models.Model):
    """A page as fetched, until it is written to `Contact`; rows of `services.addressbook`."""

    # Indexed by `page_once_per_sync`.
    sync = models.ForeignKey(
        ContactSync, on_delete=models.CASCADE, related_name="pages", db_index=False
    )
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Entries in the page")
    entries = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sync", "number"], name="page_once_per_sync")
        ]

    def __str__(self) -> str:
        return f"page {self.number} of sync {self.sync_id}"
