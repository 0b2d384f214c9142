"""Signing up: everything or nothing, once per name and address, within the rules."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts import keys, selectors
from accounts.models import (
    ApiKey,
    AuditEntry,
    LoginSession,
    Membership,
    Role,
    Tenant,
    User,
)
from accounts.services import signup
from accounts.services.tokens import Tokens
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
ROWS = (User, Tenant, Membership, ApiKey, LoginSession, AuditEntry, OutboxEvent)


def sign_up(**changes):
    values = {
        "username": "alice",
        "email": "alice@example.com",
        "password": "correct horse battery",
        "now": NOW,
    }
    return signup.sign_up(**values | changes)


def counts():
    return [model.objects.count() for model in ROWS]


@pytest.mark.django_db
def test_a_new_customer_owns_a_workspace_with_an_inactive_key():
    signed_up = sign_up(ip="192.0.2.7", user_agent="curl/8")

    member = Membership.objects.get()
    key = ApiKey.objects.get()
    assert (member.user, member.tenant, member.role) == (
        signed_up.user,
        signed_up.tenant,
        Role.OWNER,
    )
    assert (key.tenant, key.created_by) == (signed_up.tenant, signed_up.user)
    assert not signed_up.tenant.api_enabled


@pytest.mark.django_db
def test_the_token_of_a_sign_up_opens_for_seven_days():
    signed_up = sign_up()

    last = NOW + timedelta(days=7) - timedelta(seconds=1)
    assert (
        selectors.principal_of_token(signed_up.tokens.access, now=last).user == signed_up.user
    )
    end = NOW + timedelta(days=7)
    assert selectors.principal_of_token(signed_up.tokens.access, now=end) is None


@pytest.mark.django_db
def test_b1_b5_o5_no_secret_is_stored_as_it_was_handed_out():
    """Keys and tokens at rest are keyed digests, passwords argon2id."""
    signed_up = sign_up()

    key, login = ApiKey.objects.get(), LoginSession.objects.get()
    for text, row in ((signed_up.api_key, key), (signed_up.tokens.access, login)):
        assert keys.parse(text).secret not in str(vars(row))
        assert len(row.digest) == 64
    assert identify_hasher(User.objects.get().password).algorithm == "argon2"
    assert User.objects.get().password.startswith("argon2$argon2id$")


@pytest.mark.django_db
def test_a_sign_up_is_audited_and_announced_without_secrets():
    signed_up = sign_up(ip="192.0.2.7")

    entries = AuditEntry.objects.filter(tenant=signed_up.tenant)
    assert set(entries.values_list("action", flat=True)) == {
        "tenant.created",
        "api_key.issued",
        "login_session.opened",
    }
    event = OutboxEvent.objects.get(name="tenant.created")
    assert event.shard == f"tenant:{signed_up.tenant.public_id}"
    assert event.payload == {"tenant": signed_up.tenant.public_id}
    written = str([vars(row) for row in [*entries, event]])
    assert signed_up.tokens.access not in written
    assert signed_up.api_key not in written


@pytest.mark.django_db
def test_the_address_is_kept_in_lower_case():
    assert sign_up(email="  Alice@Example.COM ").user.email == "alice@example.com"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "table", ["apikey", "loginsession", "membership", "auditentry", "mail", "refreshtoken"]
)
def test_b7_o4_a_failure_in_the_middle_leaves_nothing(table):
    """The sign-up of before left half-made accounts."""
    name = connection.ops.quote_name(f"accounts_{table}")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} ADD CONSTRAINT broken CHECK (false)")
    try:
        with pytest.raises(IntegrityError):
            sign_up()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {name} DROP CONSTRAINT broken")

    assert counts() == [0] * len(ROWS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "taken",
    [
        {"username": "bob"},
        {"username": "bob", "email": "ALICE@example.com"},
        {"email": "other@example.com"},
        {"email": "other@example.com", "username": "ALICE"},
    ],
)
def test_o7_a_taken_name_or_address_is_refused_in_any_case(taken):
    sign_up()
    before = counts()

    with pytest.raises(signup.AlreadyExists) as refusal:
        sign_up(**taken)

    assert refusal.value.message == "Username or email already exists"
    assert counts() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["email", "username"])
def test_of_eight_sign_ups_at_once_exactly_one_wins(race, same):
    names = iter(range(8))

    def attempt():
        number = next(names)
        other = (
            {"username": f"alice{number}"}
            if same == "email"
            else {
                "email": f"{number}@example.com",
                "username": "Alice" if number % 2 else "alice",
            }
        )
        return sign_up(**other)

    results = race(8, attempt)

    kinds = sorted(type(result).__name__ for result in results)
    assert kinds == ["AlreadyExists"] * 7 + ["SignedUp"]
    assert counts()[:5] == [1] * 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "al"}, "username"),
        ({"username": "a" * 41}, "username"),
        ({"username": "alice smith"}, "username"),
        ({"username": "alice\n"}, "username"),
        ({"username": "alice\x00"}, "username"),
        ({"username": "аlice"}, "username"),  # noqa: RUF001 (a Cyrillic letter)
        ({"username": "alice\u200b"}, "username"),
        ({"username": "ａlice"}, "username"),  # noqa: RUF001 (full width)
        ({"username": "alice\u0661"}, "username"),  # ARABIC-INDIC DIGIT ONE
        ({"username": "ali\u0301ce"}, "username"),
        ({"email": ""}, "email"),
        ({"email": "alice"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "alice@example.com\nBcc: x@y.com"}, "email"),
        ({"email": "ali\x00ce@example.com"}, "email"),
        ({"email": "a\u212aice@example.com"}, "email"),  # KELVIN SIGN: a k in lower case
        ({"email": "alıce@example.com"}, "email"),  # noqa: RUF001
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"password": ""}, "password"),
        ({"password": "short7!"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "alice@example.com"}, "password"),
        ({"password": "x" * 257}, "password"),
    ],
)
def test_b8_input_outside_the_rules_is_refused_by_field(changes, field):
    """Anything was accepted, the empty string included."""
    with pytest.raises(signup.InvalidSignUp) as refusal:
        sign_up(**changes)

    assert list(refusal.value.details["fields"]) == [field]
    assert counts() == [0] * len(ROWS)


@pytest.mark.django_db
def test_every_broken_rule_is_told_at_once():
    with pytest.raises(signup.InvalidSignUp) as refusal:
        sign_up(username="", email="", password="")

    assert set(refusal.value.details["fields"]) == {"username", "email", "password"}


@pytest.mark.django_db
def test_an_overlong_user_agent_is_cut():
    sign_up(user_agent="x" * 5_000)

    assert LoginSession.objects.get().user_agent == "x" * 200


def test_what_is_handed_out_once_does_not_show_in_a_traceback():
    signed_up = signup.SignedUp(
        User(), Tenant(), Tokens("ort_secret", "orr_secret"), api_key="ork_secret"
    )

    assert "secret" not in repr(signed_up)
