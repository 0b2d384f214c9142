"""Shapes of the contact API. No queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sessions_app.contacts.services.syncing import Freshness
from sessions_app.contacts.states import IdentityKind, IdentitySource, SyncState

Plain = serializers.Serializer[Any]
_MAX_SEARCH = 100
# What `?sync=` led to, when the list was not asked to sync at all.
NOT_ASKED = "off"


class ContactFilter(Plain):
    """What narrows the list."""

    sync = serializers.BooleanField(
        default=True,
        help_text="Fetch the address book first if it is older than a minute. What is not here "
        "within a moment comes later: then you get what is known; `sync_outcome` says so.",
    )
    search = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=_MAX_SEARCH,
        help_text="Part of a name, or the beginning of a phone number or JID.",
    )


class IdentityOutput(Plain):
    """A name that a person goes by, or went by."""

    kind = serializers.ChoiceField(IdentityKind.choices)
    value = serializers.CharField(help_text="A LID's JID, a phone number's digits, or a name.")
    source = serializers.ChoiceField(IdentitySource.choices)  # type: ignore[assignment]
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(help_text="To the hour.")


class ContactOutput(Plain):
    """A contact.

    `context["session"]` is its session and `context["identities"]` has what people go by,
    by JID, so that a list needs no join.
    """

    id = serializers.CharField(source="public_id")
    session_id = serializers.SerializerMethodField()
    jid = serializers.CharField(
        help_text="Who it is: the LID when known, else the phone number's JID."
    )
    name = serializers.CharField(help_text="As in the account's address book; may be empty.")
    phone = serializers.CharField(
        help_text="Digits with country code; empty when only the LID is known."
    )
    push_name = serializers.CharField(help_text="The name they gave themselves.")
    identities = serializers.SerializerMethodField(
        help_text="Everything that tells who it is, the last seen first."
    )
    raw = serializers.DictField(
        child=serializers.CharField(), help_text="What else the engine knows."
    )
    last_synced_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When a sync last found it, to the hour; null if none did.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_session_id(self, _: object) -> str:
        """Return the session's id."""
        session_id: str = self.context["session"].public_id
        return session_id

    @extend_schema_field(IdentityOutput(many=True))
    def get_identities(self, contact: Any) -> Any:
        """Return what the view read."""
        return IdentityOutput(self.context["identities"].get(contact.jid, []), many=True).data


class ContactEnvelope(Plain):
    """One contact."""

    contact = ContactOutput()


class ContactSyncOutput(Plain):
    """A run of "fetch the address book" and how far it is."""

    id = serializers.CharField(source="public_id")
    state = serializers.ChoiceField(SyncState.choices)
    fetched = serializers.IntegerField(help_text="Contacts that arrived so far.")
    written = serializers.IntegerField(help_text="Contacts of these that are in the list.")
    left_out = serializers.IntegerField(
        help_text="Contacts of these that are not: the plan keeps no more."
    )
    error = serializers.CharField(help_text="Why it failed; empty unless it did.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ContactPage(Plain):
    """A page of contacts, in the order in which they became known."""

    contacts = ContactOutput(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Give it as `cursor` for the next page; null on the last."
    )
    sync = ContactSyncOutput(allow_null=True, help_text="The newest sync.")
    from_cache = serializers.BooleanField(
        help_text="Whether these contacts may be out of date: no sync ended just now."
    )
    sync_outcome = serializers.ChoiceField(
        [NOT_ASKED, *(outcome.value for outcome in Freshness)],
        help_text="What `sync` led to. Pages after the first one do not ask.",
    )


class ContactSyncEnvelope(Plain):
    """The newest sync; null before the first one."""

    sync = ContactSyncOutput(allow_null=True)
