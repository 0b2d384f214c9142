"""`Idempotency-Key`: the same request twice has one effect and one answer.

The record commits with the effect. A request that fails leaves no record, so it can be sent
again with the same key. Work of several transactions (a payment) keeps its key in its own row.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import JSONField, Value
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core import crypto, errors
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


def run(
    request: Request,
    *,
    scope: str,
    effect: Callable[[], Response],
    secrets: Collection[str] = (),
) -> Response:
    """Run `effect` in one transaction with the record of its answer, or replay that answer.

    Without the header it just runs `effect`. Nothing inside may leave the database.

    :param scope: whose keys these are; two scopes never meet.
    :param secrets: members of the answer, at any depth, that are shown once: a replay has ""
        in their place, and the record never had them.
    :raises KeyReused: the same key came with another request.
    :raises StillRunning: an equal request holds the key right now.
    """
    key = key_of(request)
    if not key:
        return effect()
    with transaction.atomic():
        _claim(scope, key)
        kept = IdempotencyRecord.objects.filter(scope=scope, key=key).first()
        if kept is not None and kept.created_at > timezone.now() - KEEP:
            return _replay(kept, request)
        if kept is not None:
            kept.delete()
        response = effect()
        IdempotencyRecord.objects.create(
            scope=scope,
            key=key,
            fingerprint=fingerprint(request),
            status=response.status_code,
            # An answer without a body is the JSON null, not SQL's.
            body=Value(_without(_plain(response.data), secrets), JSONField()),
            created_at=timezone.now(),
        )
    return response


def fingerprint(request: Request, *, pepper_id: str | None = None) -> str:
    """Return what makes two requests the same: a keyed digest, as bodies may hold passwords."""
    body = json.dumps(request.data, sort_keys=True, default=str)
    text = f"{request.method} {request.get_full_path()} {body}"
    return ":".join(crypto.digest(text, pepper_id=pepper_id))


def _claim(scope: str, key: str) -> None:
    """Hold the key until the transaction ends, without waiting for somebody who has it."""
    digest = hashlib.sha256(f"{scope}:{key}".encode()).digest()
    number = int.from_bytes(digest[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise StillRunning("The first request with this key is still running; ask again.")


def _replay(kept: IdempotencyRecord, request: Request) -> Response:
    if not _is_of(kept, request):
        raise KeyReused(f"This {HEADER} was used for another request; take a new one.")
    return Response(kept.body, kept.status, headers={REPLAYED: "true"})


def _is_of(kept: IdempotencyRecord, request: Request) -> bool:
    pepper_id, _, _ = kept.fingerprint.partition(":")
    try:
        return kept.fingerprint == fingerprint(request, pepper_id=pepper_id)
    except KeyError:  # its pepper was retired meanwhile
        return False


def _plain(data: Any) -> Any:
    return json.loads(JSONRenderer().render(data) or b"null")


def _without(data: Any, secrets: Collection[str]) -> Any:
    if isinstance(data, dict):
        return {
            name: "" if name in secrets else _without(value, secrets)
            for name, value in data.items()
        }
    if isinstance(data, list):
        return [_without(value, secrets) for value in data]
    return data
