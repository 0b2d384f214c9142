"""The runner obeys holds, and sessions do by themselves what their settings say."""

import pytest
from django.utils import timezone

from accounts.models import TenantStatus
from orsta.core.outbox.models import OutboxEvent
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import sending
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.models import Lease, SessionTransition
from sessions_app.runner.tests.test_runner import (
    becomes,
    connect,
    eventually,
    prepared,
    running,
    status_of,
)
from sessions_app.services import holds, provisioning, purging, simulation
from sessions_app.states import Hold, SessionStatus
from sessions_app.tests.factories import end_plan, make_plan
from subscriptions.services import lifecycle as subscriptions

pytestmark = pytest.mark.django_db(transaction=True)


def refresh(tenant):
    holds.refresh(tenant_id=tenant.pk, now=timezone.now())


def inbound(session, text="hi"):
    simulation.inbound(session=session, now=timezone.now(), sender="+14155550123", text=text)
    return eventually(
        Message.objects.filter(session=session, direction=Direction.INBOUND, text=text).first
    )


def test_sessions_stop_when_the_plan_ends_and_come_back_by_themselves_when_it_is_renewed():
    session = prepared()

    with running():
        connect(session)
        jid = session.jid
        end_plan(session.tenant)
        refresh(session.tenant)
        becomes(session, SessionStatus.STOPPED)
        eventually(lambda: Lease.objects.get(pk=session.pk).owner == "")
        assert (session.hold, session.reason) == (Hold.EXPIRED, "no plan runs")

        subscriptions.activate(tenant=session.tenant, plan=make_plan(), now=timezone.now())
        refresh(session.tenant)
        becomes(session, SessionStatus.CONNECTED)  # without a new pairing

    assert (session.hold, session.jid) == ("", jid)


def test_g12_a_suspended_workspace_sends_nothing_and_its_messages_wait():
    session = prepared()

    with running():
        connect(session)
        tenant = session.tenant
        tenant.status = TenantStatus.SUSPENDED
        tenant.save(update_fields=["status"])
        refresh(tenant)
        becomes(session, SessionStatus.STOPPED)
        with pytest.raises(sending.SessionNotReady):
            sending.accept_messages(
                session=session,
                drafts=[sending.Draft("+14155550100", "hello")],
                now=timezone.now(),
            )

        tenant.status = TenantStatus.ACTIVE
        tenant.save(update_fields=["status"])
        refresh(tenant)
        becomes(session, SessionStatus.CONNECTED)

    reasons = SessionTransition.objects.filter(session=session, new=SessionStatus.STOPPED)
    assert reasons.get().reason == "the workspace is suspended"


def test_a_held_session_that_is_deleted_is_forgotten_by_its_engine():
    session = prepared()

    with running():
        connect(session)
        end_plan(session.tenant)
        refresh(session.tenant)
        becomes(session, SessionStatus.STOPPED)
        provisioning.delete_session(session=session, now=timezone.now())
        becomes(session, SessionStatus.DELETED)


def test_a_purge_waits_until_the_engines_forgot_the_sessions():
    session = prepared()
    tenant = session.tenant

    with running():
        connect(session)
        inbound(session)
        assert not purging.purge(tenant, timezone.now())
        eventually(lambda: status_of(session) == SessionStatus.DELETED)
        assert purging.purge(tenant, timezone.now())

    assert not Message.objects.exists()


def test_inbound_messages_are_marked_as_read_when_the_session_does_that():
    session = prepared()

    with running():
        connect(session)
        first = inbound(session, "before")
        provisioning.update_session(session=session, now=timezone.now(), auto_read_enabled=True)

        def read():
            inbound(session, "after")
            return Message.objects.filter(text="after", read_at__isnull=False).first()

        marked = eventually(read)

    first.refresh_from_db()
    assert first.read_at is None
    assert marked.status == MessageStatus.RECEIVED
    events = OutboxEvent.objects.filter(name="message.marked_read")
    assert marked.public_id in {event.payload["message_id"] for event in events}


def test_typing_is_shown_before_a_send_when_the_session_does_that():
    session = prepared()
    provisioning.update_session(session=session, now=timezone.now(), typing_enabled=True)

    with running():
        connect(session)
        (message,) = sending.accept_messages(
            session=session,
            drafts=[sending.Draft("+14155550100", "hello")],
            now=timezone.now(),
        )
        eventually(OutboxEvent.objects.filter(name="message.sent").exists)

    events = OutboxEvent.objects.filter(name__in=["session.typing_shown", "message.sent"])
    assert [event.name for event in events.order_by("pk")] == [
        "session.typing_shown",
        "message.sent",
    ]
    assert events.order_by("pk")[0].payload["chat"] == message.chat
