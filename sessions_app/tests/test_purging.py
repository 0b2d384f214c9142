"""What a tenant's purge and archive do with its sessions."""

import pytest
from django.utils import timezone

from accounts import exports
from accounts import purging as registry
from sessions_app.messaging.models import Message
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Session
from sessions_app.services import purging
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db


def test_a_purge_deletes_the_sessions_and_waits_for_their_engines():
    tenant = make_customer()
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    make_message(session)
    other = make_session()

    assert purging.purge(tenant, timezone.now()) is False

    session.refresh_from_db()
    assert session.desired == DesiredState.DELETED
    Session.objects.filter(pk=session.pk).update(status=SessionStatus.DELETED)
    assert purging.purge(tenant, timezone.now()) is True
    assert list(Session.objects.all()) == [other]
    assert not Message.objects.exists()


def test_a_tenant_without_sessions_is_purged_at_once():
    assert purging.purge(make_customer(), timezone.now()) is True


def test_the_purge_knows_this_part():
    assert purging.purge in registry.parts()


def test_the_archive_holds_sessions_and_what_they_have_of_this_tenant_only():
    session = make_session(status=SessionStatus.CONNECTED)
    message = make_message(session)
    make_message(make_session(status=SessionStatus.CONNECTED))
    parts = {part.name: part for part in exports.parts()}

    rows = {
        name: list(parts[name].rows(session.tenant))
        for name in ("sessions", "session_transitions", "messages", "contacts")
    }

    assert [row["public_id"] for row in rows["sessions"]] == [session.public_id]
    assert [row["public_id"] for row in rows["messages"]] == [message.public_id]
    assert rows["contacts"] == rows["session_transitions"] == []
    assert parts["sessions"].count(session.tenant) == 1
