"""The audit log: sealed at commit, never changed, and honest about who did what."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import AuditChain, AuditEntry
from accounts.selectors import trail
from accounts.services import audit
from accounts.tests.factories import make_tenant
from orsta.core.observability import origin


def write(tenant=None, action="thing.done", **members) -> None:
    audit.record(action=action, actor="usr_1", now=timezone.now(), tenant=tenant, **members)


def seal() -> None:
    """Do what a commit would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def numbers(tenant) -> list[int | None]:
    return list(trail.entries(tenant=tenant).order_by("pk").values_list("seq", flat=True))


def tamper(sql: str) -> None:
    """Do what nobody can who is not the owner of the table."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")


@pytest.fixture
def sealed(transactional_db):
    """A tenant with three sealed entries."""
    tenant = make_tenant()
    for number in range(3):
        write(tenant, number=number)
    return tenant


@pytest.mark.django_db
def test_a_commit_numbers_the_entries_of_each_tenant():
    acme, globex = make_tenant(), make_tenant()
    for tenant in (acme, globex, acme):
        write(tenant)

    seal()
    write(acme)
    seal()

    assert numbers(acme) == [1, 2, 3]
    assert numbers(globex) == [1]
    assert AuditChain.objects.get(chain=acme.public_id).seq == 3
    assert not list(trail.breaks())


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_takes_no_number():
    tenant = make_tenant()
    write(tenant)

    with transaction.atomic():
        write(tenant)
        transaction.set_rollback(True)
    write(tenant)

    assert numbers(tenant) == [1, 2]
    assert not list(trail.breaks())


@pytest.mark.django_db
def test_an_entry_that_concerns_no_tenant_has_a_chain_too():
    write()

    seal()

    assert AuditChain.objects.get().chain == "orsta"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts_auditentry SET reason = 'another'",
        "UPDATE accounts_auditentry SET seq = 9",
        "DELETE FROM accounts_auditentry",
        "UPDATE accounts_auditchain SET digest = ''",
        "DELETE FROM accounts_auditchain",
        "INSERT INTO accounts_auditchain VALUES ('mine', 1, '')",
    ],
)
def test_b13_the_database_refuses_to_change_the_audit_log(sql, sealed):
    before = list(AuditEntry.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="never changed"), connection.cursor() as cursor:
        cursor.execute(sql)

    assert list(AuditEntry.objects.order_by("pk").values()) == before
    assert not list(trail.breaks())


@pytest.mark.django_db
def test_nobody_writes_an_entry_that_is_numbered_already():
    entry = AuditEntry(action="thing.done", actor="usr_1", at=timezone.now(), chain="x", seq=1)

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        entry.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "at"),
    [
        ("UPDATE accounts_auditentry SET actor = 'usr_2' WHERE seq = 2", 2),
        ("UPDATE accounts_auditentry SET at = at + interval '1 second' WHERE seq = 1", 1),
        ("UPDATE accounts_auditentry SET detail = '{}' WHERE seq = 3", 3),
        ("DELETE FROM accounts_auditentry WHERE seq = 1", 2),
        ("DELETE FROM accounts_auditentry WHERE seq = 2", 3),
        ("DELETE FROM accounts_auditentry WHERE seq = 3", 3),
    ],
)
def test_b13_what_is_changed_or_removed_shows(sql, at, sealed):
    tamper(sql)

    found = list(trail.breaks())

    assert [(found_at.chain, found_at.seq) for found_at in found] == [(sealed.public_id, at)]


@pytest.mark.django_db(transaction=True)
def test_the_removal_of_a_whole_chain_shows(sealed):
    tamper("DELETE FROM accounts_auditentry")

    assert [found.seq for found in trail.breaks()] == [3]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_chain(race):
    tenant = make_tenant()

    results = race(12, lambda: write(tenant))

    assert results == [None] * 12
    assert sorted(numbers(tenant)) == list(range(1, 13))
    assert not list(trail.breaks())


@pytest.mark.django_db(transaction=True)
def test_transactions_about_the_same_tenants_in_another_order_do_not_block_each_other(race):
    tenants = [make_tenant() for _ in range(4)]
    turns = iter([tenants, tenants[::-1]] * 4)
    lock = threading.Lock()

    def write_all() -> None:
        with lock:
            order = next(turns)
        with transaction.atomic():
            for tenant in order:
                write(tenant)

    assert race(8, write_all) == [None] * 8
    assert [len(numbers(tenant)) for tenant in tenants] == [8] * 4
    assert not list(trail.breaks())


@pytest.mark.django_db
def test_an_entry_says_where_the_request_came_from():
    origin.bind("2001:db8::7", "Firefox" * 50)
    try:
        write(reason="because", before={"role": "VIEWER"}, after={"role": "ADMIN"})
    finally:
        origin.clear()

    entry = AuditEntry.objects.get()
    assert entry.ip == "2001:db8::7"
    assert entry.user_agent == ("Firefox" * 50)[:200]
    assert (entry.before, entry.after) == ({"role": "VIEWER"}, {"role": "ADMIN"})
    assert entry.reason == "because"


@pytest.mark.django_db
def test_the_log_is_filtered():
    tenant, since = make_tenant(), timezone.now()
    write(tenant, "api_key.issued", target="key_1")
    write(tenant, "api_key.revoked", target="key_2")
    write(tenant, "member.added", target="key_1")

    def found(**filters):
        rows = trail.entries(tenant=tenant, **filters).order_by("pk")
        return [entry.action for entry in rows]

    assert found(action="api_key.issued") == ["api_key.issued"]
    assert found(action="api_key.") == ["api_key.issued", "api_key.revoked"]
    assert found(target="key_1") == ["api_key.issued", "member.added"]
    assert found(actor="usr_2") == []
    assert found(since=since + timedelta(hours=1)) == []
    assert len(found(since=since, until=since + timedelta(hours=1))) == 3
