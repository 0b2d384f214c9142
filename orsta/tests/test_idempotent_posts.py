"""`Idempotency-Key` on every POST below `/v1`, `/internal` and `/billing`."""

import re

import pytest

from orsta.tests.permission_row import Row
from orsta.tests.permission_table import TABLE
from orsta.tests.world import World, make_world

pytestmark = pytest.mark.django_db
HEADER = "Idempotency-Key"
WITHOUT = {
    "internal/users/bulk",  # an upsert: sent again it changes nothing
    "v1/members/leave",  # whoever left is nobody there any more
    "v1/sessions/<str:session_id>/qr",  # it waits for a code, and asking again is fine
    "v1/sandbox/sessions/<str:session_id>/scan",  # it plays a phone, which repeats itself
}
POSTS = [
    row
    for row in TABLE
    if row.method == "POST"
    and row.route.startswith(("v1/", "internal/", "billing/"))
    and row.route not in WITHOUT
]
SECRET = re.compile(r"or[a-z]_\w{40,}")  # a whole credential; a masked one is shorter


def send(row: Row, world: World, **headers: str):
    client = world.client("service" if row.kind == "service" else "owner")
    path, body = row.path(world), row.body
    return client.post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("row", POSTS, ids=str)
def test_a_post_sent_twice_has_one_effect_and_shows_no_secret_again(row):
    world = make_world(row.status, paid=row.paid)

    first = send(row, world, **{HEADER: "k1"})
    after = world.snapshot()
    second = send(row, world, **{HEADER: "k1"})

    assert (first.status_code, second.status_code) == (row.ok, row.ok)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert world.snapshot() == after
    assert not SECRET.search(second.content.decode())
