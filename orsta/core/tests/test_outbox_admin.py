"""What staff do to events that were given up."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from orsta.core.tests.factories import emit_steps

pytestmark = pytest.mark.django_db
LIST = "admin:outbox_outboxevent_changelist"


@pytest.fixture
def client() -> Client:
    browser = Client()
    people = get_user_model().objects
    browser.force_login(
        people.create_superuser(username="staff", email="staff@example.com", password="x")
    )
    return browser


def replay(client: Client, event: OutboxEvent) -> str:
    address = reverse("admin:outbox_outboxevent_replay", args=[event.pk])
    response = client.post(address, {"_form_submitted": "True"})
    return str(list(get_messages(response.wsgi_request))[-1])


def test_a_parked_event_is_replayed(client):
    emit_steps(1)
    event = OutboxEvent.objects.get()
    assert replay(client, event) == "This event is not parked."
    OutboxEvent.objects.update(parked_at=timezone.now(), attempts=12)

    assert replay(client, event) == "The event goes out again."

    event.refresh_from_db()
    assert (event.parked_at, event.attempts) == (None, 0)


@pytest.mark.parametrize(
    ("state", "number"), [("waiting", 0), ("dispatched", 1), ("parked", 2)]
)
def test_events_are_found_by_what_became_of_them(client, state, number):
    emit_steps(3)
    events = list(OutboxEvent.objects.order_by("pk"))
    OutboxEvent.objects.filter(pk=events[1].pk).update(dispatched_at=timezone.now())
    OutboxEvent.objects.filter(pk=events[2].pk).update(parked_at=timezone.now())

    page = client.get(reverse(LIST), {"state": state}).content.decode()

    found = [n for n, event in enumerate(events) if event.event_id in page]
    assert found == [number]
