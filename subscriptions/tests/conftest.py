"""Who looks at the admin in these tests."""

from accounts.tests.conftest import admin, staff

__all__ = ["admin", "staff"]
