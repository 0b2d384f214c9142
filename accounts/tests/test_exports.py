"""Archives: written by one worker at a time, kept for a week, without secrets."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from accounts import exports as registry
from accounts.models import ApiKey, AuditEntry, ExportStatus, TenantExport
from accounts.services import exports, purging
from accounts.tests.factories import make_api_key, make_tenant, owner_of
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def request(tenant) -> TenantExport:
    return exports.request(tenant=tenant, by=owner_of(tenant), now=NOW)


def written(tenant) -> TenantExport:
    export = request(tenant)
    exports.write(export_id=export.public_id, now=timezone.now())
    export.refresh_from_db()
    return export


def contents(export) -> dict[str, list[dict]]:
    with exports.open_file(export=export, by=owner_of(export.tenant), now=NOW) as file:
        archive = zipfile.ZipFile(file)
        return {
            name: [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
        }


def test_an_archive_holds_one_file_per_kind_of_row():
    tenant = make_api_key(make_tenant(default_country="DE")).row.tenant
    make_api_key()

    export = written(tenant)

    found = contents(export)
    (workspace,) = found["workspace.jsonl"]
    assert (workspace["id"], workspace["default_country"]) == (tenant.public_id, "DE")
    assert [row["email"] for row in found["members.jsonl"]] == [owner_of(tenant).email]
    assert len(found["api_keys.jsonl"]) == 1
    assert export.status == ExportStatus.READY
    assert export.rows_written == export.rows_total == sum(map(len, found.values()))
    assert OutboxEvent.objects.filter(name="export.ready").count() == 1


def test_an_archive_holds_no_secret():
    issued = make_api_key()
    key = ApiKey.objects.get()

    text = json.dumps(contents(written(issued.row.tenant)))

    assert issued.text not in text
    assert key.digest not in text
    assert key.key_id not in text


def test_a_request_is_written_by_a_worker(drain_outbox, monkeypatch):
    from accounts import tasks

    monkeypatch.setattr(tasks.write_export, "delay", tasks.write_export)
    export = request(make_tenant())

    drain_outbox()

    export.refresh_from_db()
    assert export.status == ExportStatus.READY


def test_one_archive_is_written_at_a_time():
    tenant = make_tenant()
    request(tenant)

    with pytest.raises(exports.ExportRunning):
        request(tenant)

    assert TenantExport.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_writes(race):
    export = request(make_tenant())

    race(2, lambda: exports.write(export_id=export.public_id, now=timezone.now()))

    assert OutboxEvent.objects.filter(name="export.ready").count() == 1


def test_an_archive_whose_writer_died_is_written_by_another():
    tenant = make_tenant()
    export = request(tenant)
    later = NOW + timedelta(minutes=6)
    assert exports.due(now=NOW) == []
    TenantExport.objects.update(status=ExportStatus.RUNNING)

    assert exports.due(now=later) == [export.public_id]
    exports.write(export_id=export.public_id, now=later)

    export.refresh_from_db()
    assert export.status == ExportStatus.READY


def test_a_writer_that_was_thought_dead_leaves_the_archive_alone(monkeypatch):
    tenant = make_tenant()
    export = request(tenant)

    def taken_over(tenant):
        TenantExport.objects.update(touched_at=NOW + timedelta(hours=1))
        yield {}

    monkeypatch.setitem(registry._parts, "late", registry.Part("late", taken_over, None))
    exports.write(export_id=export.public_id, now=timezone.now())

    export.refresh_from_db()
    assert export.status == ExportStatus.RUNNING
    assert not storages["exports"].exists(f"{export.public_id}.zip")


def test_what_fails_says_so_and_can_be_asked_for_again(monkeypatch):
    tenant = make_tenant()
    export = request(tenant)

    def broken(tenant):
        raise OSError("disk full")

    monkeypatch.setitem(registry._parts, "broken", registry.Part("broken", broken, None))
    with pytest.raises(OSError, match="disk full"):
        exports.write(export_id=export.public_id, now=timezone.now())

    export.refresh_from_db()
    assert (export.status, export.error) == (ExportStatus.FAILED, "OSError")
    assert request(tenant).status == ExportStatus.QUEUED


def test_an_archive_is_deleted_after_a_week():
    export = written(make_tenant())
    name = export.file

    exports.expire(now=timezone.now() + timedelta(days=7))

    export.refresh_from_db()
    assert export.status == ExportStatus.EXPIRED
    assert not storages["exports"].exists(name)
    with pytest.raises(exports.ExportNotReady):
        exports.open_file(export=export, by=owner_of(export.tenant), now=NOW)


def test_a_download_is_audited():
    export = written(make_tenant())

    contents(export)

    assert AuditEntry.objects.get(action="export.downloaded").target == export.public_id


def test_a_purge_deletes_the_archives():
    tenant = make_tenant()
    name = written(tenant).file

    purging.remove_people(tenant, NOW)

    assert not storages["exports"].exists(name)
    assert not TenantExport.objects.exists()
