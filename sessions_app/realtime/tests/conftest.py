"""Who holds the sockets of the tests."""

import pytest

from accounts.tests.factories import Login, make_login
from orsta.core.outbox.models import OutboxEvent
from sessions_app.tests.factories import make_customer


@pytest.fixture
def alice() -> Login:
    """A person with a plan, logged in; what that emitted is forgotten."""
    login = make_login(make_customer())
    OutboxEvent.objects.all().delete()
    return login
