"""Archives of everything a tenant has: asked for, written with progress, kept for a week.

An archive is a ZIP of JSON Lines files, one per kind of row. Whoever writes one moves its
`touched_at` on as it goes: an archive whose writer died is written again by another.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import storages
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import exports as registry
from accounts.models import ExportStatus, Tenant, TenantExport, User
from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import emit

KEEP = timedelta(days=7)
STORAGE = "exports"
_SILENT = timedelta(minutes=5)  # a writer that says nothing for this long is dead
_STEP = 1_000  # rows between two notes of progress


class ExportRunning(errors.Conflict):
    """One archive at a time."""

    code = "export_running"


class ExportNotReady(errors.Conflict):
    """The archive is still being written, failed, or was deleted after a week."""

    code = "export_not_ready"


class _TakenOver(Exception):
    """Another writer thought this one dead, and has the archive now."""


def request(*, tenant: Tenant, by: User | None, now: datetime, actor: str = "") -> TenantExport:
    """Ask for an archive; a worker writes it once this commits.

    :param by: the person who wants it; without one `actor` says who does.
    :raises ExportRunning: one is being written.
    """
    try:
        with transaction.atomic():
            return _create(tenant, by, actor, now)
    except IntegrityError as error:
        raise ExportRunning("An export is being written already. Wait for it.") from error


def write(*, export_id: str, now: datetime) -> None:
    """Write an archive, unless somebody else does or did; safe to call twice.

    :param export_id: the public id.
    """
    export = _claim(export_id, now)
    if export is None:
        return
    try:
        with tempfile.TemporaryFile() as file:
            _fill(export, file)
            _keep(export, file)
    except _TakenOver:
        return
    except Exception as error:
        _mine(export).update(status=ExportStatus.FAILED, error=type(error).__name__)
        raise


def open_file(*, export: TenantExport, by: User, now: datetime) -> IO[bytes]:
    """Return the archive, for reading; who took it is written down.

    :raises ExportNotReady: there is none, or none any more.
    """
    if export.status != ExportStatus.READY or not storages[STORAGE].exists(export.file):
        raise ExportNotReady("There is no archive to download.")
    with transaction.atomic():
        _record("export.downloaded", export, by.public_id, now)
    return storages[STORAGE].open(export.file)


def due(*, now: datetime) -> list[str]:
    """Return the archives that wait for a writer, or whose writer died, by public id."""
    waiting = TenantExport.objects.filter(_claimable(now), touched_at__lt=now - _SILENT)
    return list(waiting.values_list("public_id", flat=True))


def expire(*, now: datetime) -> None:
    """Delete archives that were kept long enough."""
    old = TenantExport.objects.filter(status=ExportStatus.READY, expires_at__lte=now)
    for export in old:
        storages[STORAGE].delete(export.file)
        old.filter(pk=export.pk).update(status=ExportStatus.EXPIRED, file="")


def remove_all(*, tenant: Tenant) -> None:
    """Delete every archive of a tenant, file and row."""
    for export in TenantExport.objects.for_tenant(tenant):
        if export.file:
            storages[STORAGE].delete(export.file)
        export.delete()


def _create(tenant: Tenant, by: User | None, actor: str, now: datetime) -> TenantExport:
    export = TenantExport.objects.create(
        tenant=tenant, requested_by=by, created_at=now, touched_at=now
    )
    _record("export.requested", export, by.public_id if by else actor, now)
    _emit("export.requested", export)
    return export


def _claim(export_id: str, now: datetime) -> TenantExport | None:
    """Become the writer; None if there is one, or nothing to write."""
    rows = TenantExport.objects.filter(_claimable(now), public_id=export_id)
    fresh = {"status": ExportStatus.RUNNING, "rows_written": 0, "touched_at": now}
    if rows.update(**fresh) != 1:
        return None
    found: TenantExport = TenantExport.objects.select_related("tenant").get(public_id=export_id)
    return found


def _claimable(now: datetime) -> Q:
    dead = Q(status=ExportStatus.RUNNING, touched_at__lt=now - _SILENT)
    return Q(status=ExportStatus.QUEUED) | dead


def _fill(export: TenantExport, file: IO[bytes]) -> None:
    parts = registry.parts()
    total = sum(part.count(export.tenant) for part in parts if part.count)
    _note(export, rows_total=total)
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            with archive.open(f"{part.name}.jsonl", "w", force_zip64=True) as lines:
                for line in _lines(part.rows(export.tenant)):
                    lines.write(line)
                    written += 1
                    if written % _STEP == 0:
                        _note(export, rows_written=written)
    _note(export, rows_written=written, rows_total=written)


def _lines(rows: Any) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _keep(export: TenantExport, file: IO[bytes]) -> None:
    size = file.tell()
    file.seek(0)
    name = storages[STORAGE].save(f"{export.public_id}.zip", File(file))
    now = timezone.now()
    ready = {"status": ExportStatus.READY, "file": name, "size_bytes": size}
    with transaction.atomic():
        if _mine(export).update(expires_at=now + KEEP, **ready) == 1:
            _emit("export.ready", export)
            return
    storages[STORAGE].delete(name)
    raise _TakenOver


def _note(export: TenantExport, **columns: int) -> None:
    """Say how far it is and that this writer lives.

    :raises _TakenOver: it was thought dead.
    """
    now = timezone.now()
    if _mine(export).update(touched_at=now, **columns) != 1:
        raise _TakenOver
    export.touched_at = now


def _mine(export: TenantExport) -> QuerySet[TenantExport]:
    return TenantExport.objects.filter(
        pk=export.pk, status=ExportStatus.RUNNING, touched_at=export.touched_at
    )


def _record(action: str, export: TenantExport, actor: str, now: datetime) -> None:
    target = export.public_id
    audit.record(action=action, actor=actor, now=now, tenant=export.tenant, target=target)


def _emit(name: str, export: TenantExport) -> None:
    tenant = export.tenant
    shard = f"tenant:{tenant.public_id}"
    emit(name, tenant_id=tenant.pk, shard=shard, export_id=export.public_id)
