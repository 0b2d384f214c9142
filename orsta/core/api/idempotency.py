"""`Idempotency-Key`: the same request twice has one effect and one answer.

The record commits with the effect. A request that fails leaves no record, so it can be sent
again with the same key. Work of several transactions (a payment) keeps its key in its own row.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core import errors
from orsta.core.api.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEEP = timedelta(hours=24)
_MAX_KEY_LENGTH = 255


class BadKey(errors.Invalid):
    """The header does not hold a usable key."""

    code = "bad_idempotency_key"


class KeyReused(errors.Mismatch):
    """The key was used for another request."""

    code = "idempotency_key_reused"


class StillRunning(errors.Conflict):
    """The first request with this key has not ended."""

    code = "request_in_progress"


def key_of(request: Request) -> str:
    """Return the request's key, "" when it has none.

    :raises BadKey: it is too long or not printable.
    """
    key = request.headers.get(HEADER, "").strip()
    if len(key) > _MAX_KEY_LENGTH or not key.isprintable():
        raise BadKey(f"{HEADER} takes up to {_MAX_KEY_LENGTH} printable characters.")
    return key


def fingerprint(request: Request) -> str:
    """Return what makes two requests the same: method, path, query and body."""
    body = json.dumps(request.data, sort_keys=True, default=str)
    text = f"{request.method} {request.get_full_path()} {body}"
    return hashlib.sha256(text.encode()).hexdigest()


def run(request: Request, *, tenant_id: int, effect: Callable[[], Response]) -> Response:
    """Run `effect` in one transaction with the record of its answer, or replay that answer.

    Without the header it just runs `effect`. Nothing inside may leave the database.

    :raises KeyReused: the same key came with another request.
    :raises StillRunning: an equal request holds the key right now.
    """
    key = key_of(request)
    if not key:
        return effect()
    print_ = fingerprint(request)
    with transaction.atomic():
        _claim(tenant_id, key)
        kept = IdempotencyRecord.objects.filter(tenant_id=tenant_id, key=key).first()
        if kept is not None and kept.created_at > timezone.now() - KEEP:
            return _replay(kept, print_)
        if kept is not None:
            kept.delete()
        response = effect()
        IdempotencyRecord.objects.create(
            tenant_id=tenant_id,
            key=key,
            fingerprint=print_,
            status=response.status_code,
            body=_plain(response.data),
            created_at=timezone.now(),
        )
    return response


def _claim(tenant_id: int, key: str) -> None:
    """Hold the key until the transaction ends, without waiting for somebody who has it."""
    digest = hashlib.sha256(f"{tenant_id}:{key}".encode()).digest()
    number = int.from_bytes(digest[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise StillRunning("The first request with this key is still running; ask again.")


def _replay(kept: IdempotencyRecord, print_: str) -> Response:
    if kept.fingerprint != print_:
        raise KeyReused(f"This {HEADER} was used for another request; take a new one.")
    return Response(kept.body, kept.status, headers={REPLAYED: "true"})


def _plain(data: Any) -> Any:
    return json.loads(JSONRenderer().render(data))
