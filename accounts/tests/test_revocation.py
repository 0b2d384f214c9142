"""A key that ends here ends in every other process too, on open sockets as well."""

import subprocess
import sys
import time

import pytest
from django.utils import timezone

from accounts.services import keys
from accounts.tests.factories import make_api_key

pytestmark = pytest.mark.django_db(transaction=True)
PROMISE_SECONDS = 5
# What a web process does with a request, and a socket with a frame.
PROCESS = """
import sys, time
import django
django.setup()
from django.utils import timezone
from accounts import selectors

text = sys.stdin.readline().strip()
opened = selectors.principal_of_api_key(text, now=timezone.now())
assert selectors.is_valid(opened, now=timezone.now())
print("in", flush=True)
while selectors.principal_of_api_key(text, now=timezone.now()):
    time.sleep(0.02)
print("request refused", flush=True)
while selectors.is_valid(opened, now=timezone.now()):
    time.sleep(0.02)
print("socket refused", flush=True)
"""


def start(environment):
    return subprocess.Popen(  # noqa: S603 (ourselves)
        [sys.executable, "-c", PROCESS],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", ["revoke", "rotate", "deactivate"])
def test_o9_a_key_that_ends_is_refused_in_another_process_within_five_seconds(
    end, other_process
):
    issued = make_api_key()
    changes = {
        "revoke": lambda: keys.revoke(key=issued.row, now=timezone.now()),
        "rotate": lambda: keys.rotate(key=issued.row, user=None, now=timezone.now()),
        "deactivate": lambda: keys.deactivate(tenant=issued.row.tenant, now=timezone.now()),
    }
    with start(other_process) as process:
        process.stdin.write(f"{issued.text}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "in\n"

        changes[end]()
        began = time.monotonic()
        said = [process.stdout.readline(), process.stdout.readline()]
        took = time.monotonic() - began

    assert said == ["request refused\n", "socket refused\n"]
    assert took < PROMISE_SECONDS
