import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from orsta.core.api import pagination
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def request(**query: object) -> Request:
    return Request(APIRequestFactory().get("/", query))


def make_events(count: int) -> list[int]:
    rows = [OutboxEvent(name="x", shard="s", lane=0, payload={"n": n}) for n in range(count)]
    return [row.pk for row in OutboxEvent.objects.bulk_create(rows)]


def walk(limit: int, **options: object) -> list[list[int]]:
    pages, cursor = [], None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = pagination.paginate(OutboxEvent.objects.all(), request(**query), **options)
        pages.append([row.pk for row in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


def test_pages_show_every_row_once_newest_first():
    keys = make_events(5)

    assert walk(2) == [[keys[4], keys[3]], [keys[2], keys[1]], [keys[0]]]


def test_a_list_can_run_from_the_oldest():
    keys = make_events(3)

    assert walk(2, descending=False) == [[keys[0], keys[1]], [keys[2]]]


def test_a_full_last_page_has_no_cursor():
    keys = make_events(2)

    assert walk(2) == [[keys[1], keys[0]]]


def test_an_empty_list_is_one_empty_page():
    assert walk(10) == [[]]


def test_rows_that_arrive_between_two_pages_move_nothing():
    keys = make_events(4)
    first = pagination.paginate(OutboxEvent.objects.all(), request(limit=2))
    make_events(3)

    second = pagination.paginate(
        OutboxEvent.objects.all(), request(limit=2, cursor=first.next_cursor)
    )

    assert [row.pk for row in second.items] == [keys[1], keys[0]]


@pytest.mark.parametrize(
    ("asked", "given"), [("0", 1), ("-5", 1), ("1000", 200), ("x", 50), ("", 50), ("7", 7)]
)
def test_the_limit_stays_within_bounds(asked, given):
    make_events(201)

    page = pagination.paginate(OutboxEvent.objects.all(), request(limit=asked))

    assert len(page.items) == given


@pytest.mark.parametrize("cursor", ["x", "MTIz", "é", "djE6azE6", "12", "a" * 2_000])
def test_a_cursor_that_is_not_ours_is_refused(cursor):
    with pytest.raises(pagination.BadCursor):
        pagination.paginate(OutboxEvent.objects.all(), request(cursor=cursor))


def test_a_cursor_shows_nothing_of_the_key_and_cannot_be_changed():
    cursor = pagination.encode(987654321)

    assert "987654321" not in cursor
    assert pagination.decode(cursor) == 987654321
    assert pagination.encode(987654321) != cursor
    with pytest.raises(pagination.BadCursor):
        pagination.decode(cursor[:-4] + "AAAA")
