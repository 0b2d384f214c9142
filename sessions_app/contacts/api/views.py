"""`/v1/sessions/{id}/contacts`: the people a session knows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app.contacts import selectors
from sessions_app.contacts.api import serializers
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState
from sessions_app.models import Session
from sessions_app.selectors import session_for

TAGS = ["Contacts"]
_FRESH = frozenset({syncing.Freshness.SYNCED.value, syncing.Freshness.RECENT.value})


class ContactList(TenantAPIView):
    """The people a session knows."""

    required_scope = {"GET": "contacts:read"}

    @extend_schema(
        operation_id="contacts_list",
        tags=TAGS,
        summary="List contacts",
        description="The address book is fetched first where that makes sense; then "
        "what is known comes in pages.",
        parameters=[serializers.ContactFilter, *pagination.PARAMETERS],
        responses=serializers.ContactPage,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return a page of contacts, and have them fetched again if asked."""
        form = serializers.ContactFilter(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        session = session_for(self.principal, session_id)
        asked = form.validated_data["sync"] and "cursor" not in request.query_params
        freshness = _freshen(session, asked=asked)  # first: the list shows what it brought
        contacts = selectors.contacts_of(session, search=form.validated_data["search"])
        page = pagination.paginate(contacts, request, descending=False)
        return Response(
            {
                "contacts": _show(page.items, session),
                "next_cursor": page.next_cursor,
                **freshness,
            }
        )


class ContactDetail(TenantAPIView):
    """One person that a session knows."""

    required_scope = {"GET": "contacts:read"}

    @extend_schema(
        operation_id="contacts_retrieve",
        tags=TAGS,
        summary="Read a contact",
        description="When two contacts turned out to be one person, both ids lead to the one "
        "that stayed.",
        responses=serializers.ContactEnvelope,
    )
    def get(self, request: Request, session_id: str, contact_id: str) -> Response:
        """Return the contact, with all that it goes by."""
        session = session_for(self.principal, session_id)
        contact = selectors.contact_of(session, contact_id)
        return Response({"contact": _show([contact], session)[0]})


class ContactSyncDetail(TenantAPIView):
    """The newest sync of a session's contacts."""

    required_scope = {"GET": "contacts:read", "POST": "contacts:write"}

    @extend_schema(
        operation_id="contacts_sync_retrieve",
        tags=TAGS,
        summary="Watch the newest sync",
        responses=serializers.ContactSyncEnvelope,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return how far the newest sync is."""
        session = session_for(self.principal, session_id)
        return Response({"sync": _render(selectors.newest_sync(session))})

    @extend_schema(
        operation_id="contacts_sync_create",
        tags=TAGS,
        summary="Fetch the address book",
        description="Answers at once; the sync that runs already is returned if there is one.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.ContactSyncEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Request a sync."""
        session = session_for(self.principal, session_id)
        return self.once(request, lambda: self._request(session))

    def _request(self, session: Session) -> Response:
        sync = syncing.request_sync(session=session, now=timezone.now())
        return Response({"sync": _render(sync)}, status.HTTP_202_ACCEPTED)


def _show(found: Sequence[Contact], session: Session) -> Any:
    identities = selectors.identities_of(session, [contact.jid for contact in found])
    context = {"session": session, "identities": identities}
    return serializers.ContactOutput(found, many=True, context=context).data


def _freshen(session: Session, *, asked: bool) -> dict[str, Any]:
    if not asked:
        sync, outcome = selectors.newest_sync(session), serializers.NOT_ASKED
    else:
        wait = timedelta(seconds=settings.ORSTA_CONTACTS_WAIT_SECONDS)
        freshening = syncing.freshen(session=session, now=timezone.now(), wait=wait)
        sync, outcome = freshening.sync, freshening.outcome.value
    from_cache = outcome not in _FRESH or sync is None or sync.state != SyncState.DONE
    return {"sync": _render(sync), "sync_outcome": outcome, "from_cache": from_cache}


def _render(sync: ContactSync | None) -> Any:
    return None if sync is None else serializers.ContactSyncOutput(sync).data
