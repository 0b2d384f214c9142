"""Who a credential belongs to: how often the database is asked, and when a no arrives."""

from datetime import timedelta

import pytest

from accounts import keys, selectors
from accounts.models import ApiKey, LoginSession, Membership, Tenant, User
from accounts.principal_cache import CAPACITY, TTL, Known, PrincipalCache
from accounts.selectors import principals
from accounts.services import keys as key_services
from accounts.services import login
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_member,
    make_service_key,
    make_tenant,
    owner_of,
)
from accounts.tests.key_probes import NOW, revoke_elsewhere, use

LATER = NOW + TTL
pytestmark = pytest.mark.django_db


def test_a_key_costs_one_query_and_none_when_it_was_asked_a_moment_ago(
    django_assert_num_queries,
):
    text = make_api_key().text
    use(text, now=NOW - TTL)  # its use was noted within the minute

    with django_assert_num_queries(1):
        first = use(text)
    with django_assert_num_queries(0):
        second = use(text, now=LATER - timedelta(milliseconds=1))
    with django_assert_num_queries(1):
        use(text, now=LATER)

    assert first is second


def test_a_login_token_costs_one_query_every_time(django_assert_num_queries):
    token = make_login().token
    selectors.principal_of_token(token, now=NOW)

    with django_assert_num_queries(1):
        selectors.principal_of_token(token, now=NOW)


def test_a_malformed_credential_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert selectors.principal_of_token("ort_typo", now=NOW) is None
        assert selectors.principal_of_api_key("", now=NOW) is None
        assert selectors.principal_of_service_key("ors_\x00", now=NOW) is None
        assert selectors.living_api_key("ork_typo", now=NOW) is None


def test_a_revocation_here_counts_at_once():
    tenant = make_tenant()
    text = make_api_key(tenant).text
    use(text)

    key_services.deactivate(tenant=tenant, now=NOW)

    assert use(text) is None


@pytest.mark.django_db(transaction=True)
def test_a_revocation_counts_for_who_reads_while_it_commits():
    """The row read before the commit must not be remembered after it."""
    tenant = make_tenant()
    issued = make_api_key(tenant)
    generation = principals._cache.generation
    known = Known(
        selectors.principal_of_api_key(issued.text, now=NOW),
        NOW,
        digest=issued.row.digest,
        pepper_id=issued.row.pepper_id,
    )

    key_services.deactivate(tenant=tenant, now=NOW)
    principals._cache.keep(issued.row.key_id, known, generation=generation)

    assert use(issued.text) is None


def test_a_revocation_elsewhere_counts_within_three_seconds():
    issued = make_api_key()
    use(issued.text)

    revoke_elsewhere(issued.row)

    assert use(issued.text, now=LATER - timedelta(milliseconds=1)) is not None
    assert use(issued.text, now=LATER) is None


def test_a_clock_that_steps_back_does_not_stretch_the_memory():
    issued = make_api_key()
    use(issued.text, now=NOW)

    revoke_elsewhere(issued.row)

    assert use(issued.text, now=NOW - timedelta(hours=1)) is None


def test_a_no_is_never_remembered():
    tenant = make_tenant()
    text = make_api_key(tenant, active=False).text
    assert use(text) is None

    Tenant.objects.update(api_enabled=True)

    assert use(text) is not None


def test_the_key_id_alone_opens_nothing_though_its_key_is_remembered():
    good, other = make_api_key(), make_api_key()
    use(good.text)
    secret_of_another = keys.parse(other.text).secret
    forged = keys.Key(keys.KeyType.API_KEY, good.row.key_id, secret_of_another).render()

    assert use(forged) is None
    assert use(good.text) is not None
    assert selectors.living_api_key(forged, now=NOW) is None


def test_each_kind_of_credential_opens_its_own_door_only():
    key, alice, service = make_api_key().text, make_login().token, make_service_key().text

    doors = (
        selectors.principal_of_api_key,
        selectors.principal_of_token,
        selectors.principal_of_service_key,
    )
    opened = [
        [door(text, now=NOW) is not None for door in doors] for text in (key, alice, service)
    ]

    assert opened == [[True, False, False], [False, True, False], [False, False, True]]


def test_a_key_with_a_retired_pepper_is_refused_and_nothing_worse(settings):
    issued, alice = make_api_key(), make_login()
    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32}

    assert use(issued.text) is None
    assert selectors.principal_of_token(alice.token, now=NOW) is None


def test_a_new_pepper_leaves_older_keys_working(settings):
    issued = make_api_key()
    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32} | settings.ORSTA_KEY_PEPPERS

    assert use(issued.text) is not None
    assert make_api_key().row.pepper_id == "p2"


def test_a_key_outlives_the_member_who_made_it():
    tenant = make_tenant()
    text = make_api_key(tenant).text
    make_member(tenant)

    owner_of(tenant).delete()

    principal = use(text)
    assert (principal.tenant, principal.user) == (tenant, None)


@pytest.mark.parametrize("loss", ["deactivated", "left"])
def test_a_tenant_without_an_active_member_has_no_working_key(loss):
    text = make_api_key().text
    if loss == "deactivated":
        User.objects.update(is_active=False)
    else:
        Membership.objects.all().delete()

    assert use(text) is None


@pytest.mark.parametrize("model", [ApiKey, LoginSession])
def test_the_last_use_is_written_once_a_minute(model):
    text = make_api_key().text if model is ApiKey else make_login().token
    ask = selectors.principal_of_api_key if model is ApiKey else selectors.principal_of_token

    seen = []
    for seconds in (0, 10, 50, 60):
        ask(text, now=NOW + timedelta(seconds=seconds))
        seen.append(model.objects.get().last_used_at)

    assert seen == [NOW, NOW, NOW, NOW + timedelta(seconds=60)]


def test_the_credential_of_a_socket_is_asked_for_once_in_three_seconds(
    django_assert_num_queries,
):
    for principal in (
        selectors.principal_of_token(make_login().token, now=NOW),
        use(make_api_key().text),
    ):
        with django_assert_num_queries(1):
            assert selectors.is_valid(principal, now=NOW)
        with django_assert_num_queries(0):
            assert selectors.is_valid(principal, now=NOW)
        with django_assert_num_queries(1):
            assert selectors.is_valid(principal, now=LATER)


def test_a_logout_here_ends_the_sockets_credential_at_once():
    alice = make_login()
    principal = selectors.principal_of_token(alice.token, now=NOW)
    assert selectors.is_valid(principal, now=NOW)

    login.log_out(token=alice.token, now=NOW)

    assert not selectors.is_valid(principal, now=NOW)


def test_a_logout_elsewhere_ends_the_sockets_credential_within_three_seconds():
    alice = make_login()
    principal = selectors.principal_of_token(alice.token, now=NOW)
    selectors.is_valid(principal, now=NOW)

    LoginSession.objects.update(revoked_at=NOW)

    assert not selectors.is_valid(principal, now=LATER)


def test_b6_a_socket_does_not_outlive_its_login():
    """Sockets stayed open after the token's time was up."""
    alice = make_login(now=NOW)
    end = alice.row.expires_at
    principal = selectors.principal_of_token(alice.token, now=NOW)
    moment = end - timedelta(seconds=1)

    assert selectors.is_valid(principal, now=moment)
    assert not selectors.is_valid(principal, now=end)


def test_the_memory_is_bounded_and_drops_the_oldest():
    cache = PrincipalCache()
    principal = selectors.principal_of_token(make_login().token, now=NOW)

    for number in range(CAPACITY + 1):
        cache.keep(str(number), Known(principal, NOW), generation=cache.generation)

    assert cache.get("0", now=NOW) is None
    assert cache.get("1", now=NOW) is not None
    assert cache.get(str(CAPACITY), now=NOW) is not None


def test_the_tenant_of_a_person_is_the_first_it_joined():
    first, second = make_tenant("First"), make_tenant("Second")
    person = make_member(first)
    make_member(second, person)

    assert selectors.tenant_of(person) == first
