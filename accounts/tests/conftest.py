"""What the tests of people and their credentials share."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.authenticator import ORIGIN
from accounts.tests.factories import make_user


@pytest.fixture
def staff() -> User:
    """Return somebody who may do everything in the admin."""
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def admin(staff: User) -> Client:
    """Return the browser of `staff`."""
    browser = Client()
    browser.force_login(staff)
    return browser


@pytest.fixture
def domain(settings: Any) -> None:
    """Give the console a domain, which passkeys need."""
    settings.ORSTA_PUBLIC_URL = ORIGIN
