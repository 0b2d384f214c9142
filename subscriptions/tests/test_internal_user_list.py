"""`GET /internal/users`: whom a service sees, page by page."""

import pytest

from accounts.tests.factories import make_tenant
from subscriptions.tests.internal import Service

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "page", "limit"),
    [
        ({"limit": "1000", "page": "abc"}, 1, 100),
        ({"limit": "-1", "page": "0"}, 1, 20),
        ({"limit": "", "page": "9" * 40}, 1, 20),
        ({"limit": "2", "page": "2"}, 2, 2),
        ({"limit": "٣", "page": "1.5"}, 1, 20),
        ({}, 1, 20),
    ],
)
def test_bad_pages_and_limits_become_the_defaults(query, page, limit):
    meta = Service().get(**query).json()["meta"]

    assert (meta["page"], meta["limit"]) == (page, limit)


def test_the_list_is_newest_first_in_pages_with_an_exact_total():
    service = Service()
    for number in range(5):
        service.bring(f"usr_{number}")

    pages = [service.get(limit=2, page=page).json() for page in (1, 2, 3, 4)]

    assert [[item["user_id"] for item in page["items"]] for page in pages] == [
        ["usr_4", "usr_3"],
        ["usr_2", "usr_1"],
        ["usr_0"],
        [],
    ]
    assert {page["meta"]["total"] for page in pages} == {5}


def test_a_bound_key_lists_its_own_users_whatever_it_asks_for():
    ours, others = Service("app"), Service("other")
    ours.bring("mine")
    others.bring("theirs")

    answer = ours.get(source="other").json()

    assert [item["user_id"] for item in answer["items"]] == ["mine"]
    assert answer["meta"]["source"] == "app"


def test_a_global_key_lists_every_service_or_one_but_nobody_who_signed_up():
    Service("app").bring("mine")
    Service("other").bring("theirs")
    make_tenant()
    everybody = Service("")

    assert everybody.get().json()["meta"]["total"] == 2
    assert [item["user_id"] for item in everybody.get(source="other").json()["items"]] == [
        "theirs"
    ]


def test_the_provider_chooses_which_subscription_is_shown_not_which_users():
    service = Service()
    service.bring(provider="genfity-wa")

    shown = service.get(provider="genfity-wa").json()["items"][0]["subscription"]
    other = service.get(provider="another").json()["items"][0]["subscription"]

    assert shown["provider"] == "genfity-wa"
    assert other == {
        "provider": "",
        "status": "",
        "expires_at": None,
        "max_sessions": 0,
        "max_messages": 0,
    }


def test_g14_a_page_of_a_hundred_costs_as_many_queries_as_a_page_of_one(
    django_assert_num_queries,
):
    service = Service()
    for number in range(100):
        service.bring(f"usr_{number}")
    service.get()  # notes that the key was used

    for limit in (1, 100):
        with django_assert_num_queries(7):
            # Key; page; subscriptions with plans, limits; overrides; usage; total.
            assert len(service.get(limit=limit).json()["items"]) == limit


@pytest.mark.parametrize("source", ["nobody", "\x00"])
def test_a_source_that_nobody_has_is_an_empty_list(source):
    Service("app").bring("mine")

    answer = Service("").get(source=source)

    assert answer.status_code == 200
    assert (answer.json()["items"], answer.json()["meta"]["total"]) == ([], 0)
