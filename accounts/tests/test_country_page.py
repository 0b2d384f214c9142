"""The console's form for the country of phone numbers."""

import pytest

from accounts.models import AuditEntry, Role
from accounts.tests.clients import browser_of
from accounts.tests.factories import make_login, make_member, make_tenant

pytestmark = pytest.mark.django_db
SAVED = "The country of phone numbers was changed."


@pytest.fixture
def alice():
    """The owner of Acme, logged in."""
    return make_login(make_tenant("Acme"))


def save(login, country):
    return browser_of(login).post(
        "/console/workspace/country", {"default_country": country}, follow=True
    )


def country_of(login) -> str:
    login.tenant.refresh_from_db()
    return str(login.tenant.default_country)


@pytest.mark.parametrize("given", ["DE", "de", " de "])
def test_the_country_is_saved_and_shown(alice, given):
    page = save(alice, given).content.decode()

    assert country_of(alice) == "DE"
    assert SAVED in page
    assert 'value="DE"' in page
    assert AuditEntry.objects.get(action="tenant.updated").after == {"default_country": "DE"}


def test_no_country_is_a_choice_too(alice):
    save(alice, "DE")

    page = save(alice, "").content.decode()

    assert country_of(alice) == ""
    assert SAVED in page


@pytest.mark.parametrize("given", ["XX", "D", "1!", "É€"])
def test_what_is_no_country_is_refused_and_what_was_typed_stays(alice, given):
    save(alice, "DE")

    answer = save(alice, given)

    assert answer.status_code == 400
    assert "Give a country&#x27;s code of two letters" in answer.content.decode()
    assert f'value="{given}"' in answer.content.decode()
    assert country_of(alice) == "DE"


def test_a_viewer_reads_it_and_can_not_change_it(alice):
    save(alice, "DE")
    viewer = make_login(alice.tenant, make_member(alice.tenant, role=Role.VIEWER))

    page = browser_of(viewer).get("/console/workspace").content.decode()

    assert "Numbers without a country code are from DE." in page
    assert "workspace/country" not in page
    assert save(viewer, "US").status_code == 403
    assert country_of(alice) == "DE"
