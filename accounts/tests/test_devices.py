"""Devices by their user agents."""

import pytest

from accounts import devices

_CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36"
)
_SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (_CHROME, "Chrome on Linux"),
        (_SAFARI, "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("acme-importer/2.1 (internal)", "acme-importer"),
        ("", "Unknown device"),
        ("/", "Unknown device"),
        ("x" * 200, "x" * 40),
    ],
)
def test_a_device_is_named_as_its_owner_would_know_it(user_agent, name):
    assert devices.name_of(user_agent) == name
