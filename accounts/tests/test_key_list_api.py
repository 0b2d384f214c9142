"""`GET /v1/api-keys`: which keys, in which order."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Tenant
from accounts.services import keys
from accounts.tests.clients import api_of
from accounts.tests.factories import make_api_key, make_login, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_login()


STATES = {"living", "ending", "expired", "revoked"}


def test_the_list_is_paged_newest_first_and_costs_one_query(alice, django_assert_num_queries):
    made = [make_api_key(alice.tenant).row.public_id for _ in range(5)]
    make_api_key()
    client = api_of(alice)
    client.get("/v1/api-keys")

    with django_assert_num_queries(2):  # the login, and the keys
        first = client.get("/v1/api-keys", {"limit": 3}).json()
    second = client.get("/v1/api-keys", {"limit": 3, "cursor": first["next_cursor"]}).json()

    seen = [key["id"] for page in (first, second) for key in page["keys"]]
    assert seen == made[::-1]
    assert second["next_cursor"] is None


def test_keys_are_found_by_state(alice):
    now = timezone.now()
    living, ending, revoked = (make_api_key(alice.tenant) for _ in range(3))
    expired = make_api_key(alice.tenant, expires_at=now - timedelta(seconds=1))
    new = keys.rotate(key=ending.row, user=None, now=now, overlap=timedelta(hours=1))
    keys.revoke(key=revoked.row, now=now)
    client = api_of(alice)

    def found(state):
        page = client.get("/v1/api-keys", {"state": state} if state else {}).json()
        return {key["id"] for key in page["keys"]}

    ids = {name: issued.row.public_id for name, issued in locals().items() if name in STATES}
    assert found("LIVING") == {ids["living"], new.row.public_id}
    assert found("ENDING") == {ids["ending"]}
    assert found("EXPIRED") == {ids["expired"]}
    assert found("REVOKED") == {ids["revoked"]}
    assert found("") == {ids["living"], ids["ending"], ids["expired"], new.row.public_id}
    assert client.get("/v1/api-keys", {"state": "gone"}).status_code == 400


def test_one_key_too_many_is_refused(alice, monkeypatch):
    monkeypatch.setattr(keys, "MAX_LIVING", 1)
    make_api_key(alice.tenant)

    answer = api_of(alice).post("/v1/api-keys", {"name": "x"})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_api_keys")
    assert ApiKey.objects.count() == 1


def test_a_key_of_a_workspace_whose_api_is_off_is_shown_as_inactive(alice):
    make_api_key(alice.tenant, active=False)
    client = api_of(alice)
    before = client.get("/v1/api-keys").json()["keys"][0]["active"]

    Tenant.objects.update(api_enabled=True)

    assert not before
    assert client.get("/v1/api-keys").json()["keys"][0]["active"]


def test_a_tenant_without_keys_has_an_empty_list():
    answer = api_of(make_login(make_tenant())).get("/v1/api-keys")

    assert answer.json() == {"keys": [], "next_cursor": None}
