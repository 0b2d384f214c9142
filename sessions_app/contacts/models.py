"""The people a session knows, and how they got here."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.models import GivenIdField, PublicIdField
from sessions_app.contacts.states import IdentityKind, IdentitySource, SyncState
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


class ContactIdentity(models.Model):
    """One name of one person: their LID, a phone number or a user name.

    `jid` is the person: the LID when known, and the contact's if there is one. Who is no
    contact has identities too: a chat must be found without a contact.
    """

    # Indexed by `identity_once_per_session`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="identities", db_index=False
    )
    jid = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=IdentityKind.choices)
    value = models.CharField(max_length=80, help_text="A LID's JID, digits, or a user name")
    source = models.CharField(max_length=8, choices=IdentitySource.choices)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "kind", "value"], name="identity_once_per_session"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=IdentityKind.values), name="identity_kind_known"
            ),
        ]
        indexes = [
            # Everything that a person goes by.
            models.Index(fields=["session", "jid"], name="identity_of_person")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class ContactMerge(TenantOwnedModel):
    """Two contacts turned out to be one person. The id of the one that went still resolves."""

    # Indexed by `merge_of_contact`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="contact_merges", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges")
    merged_id = GivenIdField(max_length=40, help_text="Public id of the one that went")
    merged_jid = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "merged_id"], name="merge_of_contact")
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into contact {self.contact_id}"


class JidChange(models.Model):
    """A person's chat has a new name; what is kept under the old one has to follow.

    What is still under the old name is the work left, so a crash costs nothing.
    """

    # Indexed by `jid_change_once`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="jid_changes", db_index=False
    )
    old = models.CharField(max_length=80)
    new = models.CharField(max_length=80)
    moved = models.PositiveBigIntegerField(default=0, help_text="Messages that followed")
    dropped = models.PositiveBigIntegerField(
        default=0, help_text="Messages that were there already"
    )
    opened_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "old"], name="jid_change_once")
        ]
        indexes = [
            # messaging.services.moving: what is not finished, of all sessions or of one.
            models.Index(
                fields=["session", "opened_at"],
                condition=Q(finished_at=None),
                name="jid_change_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"


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
